import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { directoryOf, env } from './desk.fixture.ts';

const plain = '# ours\nvalues:\n  a: 1\n  token: {fn::secret: "${x} $$"} # why\n';

function scene() {
  const directory = directoryOf({
    'dev.yaml': plain,
    'env.key': `${randomBytes(32).toString('base64')}\n`,
    'other.key': randomBytes(32).toString('base64'),
    'bad.key': 'CANARY',
  });
  const path = (name: string) => `${directory}/${name}`;
  return { path, key: ['--key-file', path('env.key')] };
}

describe('env encrypt', () => {
  it('gives a document that opens to the same with the key, and to nothing without it', async () => {
    const { path, key } = scene();
    const { code, out, errors } = await env(['encrypt', path('dev.yaml'), ...key]);
    expect([code, errors]).toEqual([0, `${path('dev.yaml')}: 1 secret encrypted\n`]);
    expect(out).toMatch(/^# ours\nvalues:\n {2}a: 1\n {2}token: \{fn::secret: \{ciphertext: [\w+/=]+\}\} # why\n$/);
    const opened = await env(['open', '-', ...key], { input: out });
    expect(JSON.parse(opened.out)).toEqual({ a: 1, token: '${x} $$' });
    for (const flags of [[], ['--key-file', path('other.key')]]) {
      const refused = await env(['open', '-', ...flags], { input: out });
      expect(refused).toMatchObject({ code: 1, out: '', errors: expect.stringContaining(':4:') });
      expect(refused.errors).toContain('decrypting: ');
    }
    expect((await env(['check', '-'], { input: out })).code).toBe(0);
  });

  it('writes the file when asked to, and decrypt gives it back', async () => {
    const { path, key } = scene();
    const before = await env(['open', path('dev.yaml')]);
    await env(['encrypt', '-w', path('dev.yaml'), ...key]);
    const encrypted = readFileSync(path('dev.yaml'), 'utf8');
    expect(encrypted).not.toContain('${x}');
    const again = await env(['encrypt', '-w', path('dev.yaml'), ...key]);
    expect(again.errors).toContain('0 secrets encrypted');
    expect(readFileSync(path('dev.yaml'), 'utf8')).toBe(encrypted);
    await env(['decrypt', '-w', path('dev.yaml'), ...key]);
    expect(await env(['open', path('dev.yaml')])).toEqual(before);
  });

  it('encrypts one text that comes in', async () => {
    const { key } = scene();
    const { out } = await env(['encrypt', '--text', ...key], { input: 'hunter2\n' });
    const opened = await env(['open', '-', 'a', '-f', 'string', ...key], { input: `values:\n  a:\n    ${out}` });
    expect(opened.out).toBe('hunter2\n');
  });

  it.each([
    ['no key', [], 2, 'give one of --key-file and --key-secret'],
    ['what is no key', ['--key-file', 'bad.key'], 3, 'does not hold 32 bytes'],
    ['a key that is not there', ['--key-file', 'nope.key'], 3, 'cannot be read (ENOENT)'],
  ])('refuses %s', async (_, flags, code, problem) => {
    const { path } = scene();
    const named = flags.map((flag) => (flag.endsWith('.key') ? path(flag) : flag));
    const told = await env(['encrypt', path('dev.yaml'), ...named]);
    expect(told).toMatchObject({ code, out: '', errors: expect.stringContaining(problem) });
    expect(told.errors).not.toContain('CANARY');
  });

  it('refuses what is no YAML, and what another key encrypted', async () => {
    const { path, key } = scene();
    expect(await env(['encrypt', ...key], { input: 'values: {' })).toMatchObject({ code: 1, out: '' });
    const { out } = await env(['encrypt', path('dev.yaml'), ...key]);
    const told = await env(['decrypt', '--key-file', path('other.key')], { input: out });
    expect(told).toMatchObject({ code: 1, out: '', errors: expect.stringContaining('the key is not the one') });
  });
});
