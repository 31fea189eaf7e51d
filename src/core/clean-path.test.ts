import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseTable, tableUrl } from '../../test/oracle/tables.ts';
import { checkFolderPath, cleanPath, joinPath, resolveKey } from './clean-path.ts';

const invalidSpec = expect.objectContaining({ reason: 'InvalidSpec' });

describe('paths', () => {
  it('join and clean as in Go', () => {
    const cases = parseTable(readFileSync(tableUrl('join'), 'utf8')) as [string[], string][]; // recorded
    expect(cases.filter(([parts, recorded]) => joinPath(...parts) !== recorded)).toEqual([]);
    expect(cases.length).toBeGreaterThan(250);
  });

  it('clean to a dot when nothing is left', () => {
    expect([cleanPath(''), cleanPath('a/..'), cleanPath('/..'), cleanPath('../a')]).toEqual(['.', '.', '/', '../a']);
  });
});

describe('the address of a key', () => {
  it.each([
    ['/', 'DB', '/', 'DB', 'a plain name lives in secretsPath'],
    ['', 'DB', '/', 'DB', 'an absent secretsPath is the root'],
    ['/app/', 'DB', '/app', 'DB', 'a trailing slash of secretsPath is dropped'],
    ['/app', '/DB', '/', 'DB', 'a leading slash is absolute'],
    ['/app', '/db/main/URL', '/db/main', 'URL', 'an absolute folder ignores secretsPath'],
    ['/app', 'db/URL', '/app/db', 'URL', 'a relative folder is below secretsPath'],
    ['/app', '../x/KEY', '/x', 'KEY', 'secretsPath is no boundary'],
    ['/app', './KEY', '/app', 'KEY', 'a dot changes nothing'],
    ['/', 'with space&?#%.x', '/', 'with space&?#%.x', 'names may hold anything but a slash'],
  ])('below %s of %s is %s and %s: %s', (secretsPath, key, folder, name) => {
    expect(resolveKey(secretsPath, key)).toEqual({ folder, name });
  });

  it.each(['', '/', 'a/', '/a/', '/a//KEY', '/a.b/KEY', '/../KEY', '/a b/KEY'])('is refused for %j', (key) => {
    expect(() => resolveKey('/', key)).toThrow(invalidSpec);
  });
});

describe('a folder path', () => {
  it.each(['/', '/a', '/a/b-c_D9'])('may be %s', (path) => {
    checkFolderPath(path);
  });

  it.each([
    ['', 'leading slash'],
    ['a', 'leading slash'],
    ['/a/', 'trailing slash'],
    ['/a//b', 'empty segment'],
    ['/a.b', '"."'],
    ['/a b', '" "'],
    ['/ä', '"ä"'],
    ['/😀', '"😀"'],
  ])('may not be %j: %s', (path, problem) => {
    expect(() => checkFolderPath(path)).toThrow(invalidSpec);
    expect(() => checkFolderPath(path)).toThrow(problem);
  });
});
