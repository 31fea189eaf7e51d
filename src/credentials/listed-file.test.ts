import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OperatorError } from '../base/operator-error.ts';
import { readListedFile } from './listed-file.ts';

const { signal } = new AbortController();
const field = 'infisical.auth.kubernetesAuthCredentials.serviceAccountTokenPath';

let root = '';
let listed = '';

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'listed-file-')));
  listed = join(root, 'listed');
  await mkdir(join(listed, 'below'), { recursive: true });
  await mkdir(join(root, 'listed-too'));
  for (const path of ['listed/token', 'listed/below/token', 'listed-too/token', 'outside'])
    await writeFile(join(root, path), `content of ${path}`);
});

afterEach(() => rm(root, { recursive: true }));

const read = async (path: string, directories: readonly string[] = [listed]) =>
  (await readListedFile({ path, directories, field }, signal)).text();

async function refusal(path: string, directories?: readonly string[]) {
  const thrown: unknown = await read(path, directories).then(
    () => 'it was read',
    (error: unknown) => error,
  );
  if (!(thrown instanceof OperatorError)) throw thrown;
  expect(thrown.message).toContain(field);
  expect(thrown.message).not.toContain(path);
  return thrown;
}

describe('readListedFile', () => {
  it('reads in a listed directory and below it', async () => {
    expect(await read(join(listed, 'token'))).toBe('content of listed/token');
    expect(await read(join(listed, 'below', 'token'))).toBe('content of listed/below/token');
    expect(await read(join(listed, 'below', '..', 'token'), [`${listed}/`])).toBe('content of listed/token');
  });

  it('follows the links of a projected volume, and its replacement', async () => {
    await mkdir(join(listed, '..2026_1'));
    await writeFile(join(listed, '..2026_1', 'jwt'), 'first');
    await symlink('..2026_1', join(listed, '..data'));
    await symlink('..data/jwt', join(listed, 'jwt'));
    expect(await read(join(listed, 'jwt'))).toBe('first');
    await mkdir(join(listed, '..2026_2'));
    await writeFile(join(listed, '..2026_2', 'jwt'), 'second');
    await symlink('..2026_2', join(listed, '..data_tmp'));
    await rename(join(listed, '..data_tmp'), join(listed, '..data'));
    expect(await read(join(listed, 'jwt'))).toBe('second');
  });

  it('knows a directory that is listed by a link, as /var/run is one on most systems', async () => {
    await symlink(listed, join(root, 'by-link'));
    expect(await read(join(root, 'by-link', 'token'), [join(root, 'by-link')])).toBe('content of listed/token');
    expect(await read(join(listed, 'token'), [join(root, 'by-link')])).toBe('content of listed/token');
  });

  it.each<[why: string, path: () => string | Promise<string>]>([
    ['a file elsewhere', () => join(root, 'outside')],
    ['a way out', () => `${listed}/../outside`],
    ['a directory whose name begins like the listed one', () => join(root, 'listed-too', 'token')],
    ['a file that does not exist elsewhere: nobody learns which do', () => join(root, 'nothing')],
    ['the process itself', () => '/proc/self/environ'],
    ['the listed directory itself', () => `${listed}/.`],
    [
      'a link to a file elsewhere',
      async () => {
        await symlink(join(root, 'outside'), join(listed, 'link'));
        return join(listed, 'link');
      },
    ],
    [
      'a link to a directory elsewhere',
      async () => {
        await symlink(root, join(listed, 'up'));
        return join(listed, 'up', 'outside');
      },
    ],
  ])('denies %s', async (_, path) => {
    const { reason, message } = await refusal(await path());
    expect(reason).toBe('IdentityDenied');
    for (const part of ['--credential-directories', 'credentialDirectories', listed]) expect(message).toContain(part);
    expect(message).not.toContain('content of');
  });

  it('denies all when nothing is listed', async () => {
    expect((await refusal(join(listed, 'token'), [])).reason).toBe('IdentityDenied');
  });

  it.each<[why: string, path: () => string | Promise<string>]>([
    ['a file that does not exist', () => join(listed, 'nothing')],
    ['a directory', () => join(listed, 'below')],
    ['a relative path', () => 'token-relative'],
    ['a path with a NUL', () => `${listed}/tok\0en`],
    [
      'an empty file',
      async () => {
        await writeFile(join(listed, 'empty'), '');
        return join(listed, 'empty');
      },
    ],
    [
      'a file beyond the limit',
      async () => {
        await writeFile(join(listed, 'large'), 'x'.repeat(65_537));
        return join(listed, 'large');
      },
    ],
    [
      'a pipe, without waiting for a writer',
      async () => {
        await promisify(execFile)('mkfifo', [join(listed, 'pipe')]);
        return join(listed, 'pipe');
      },
    ],
  ])('refuses %s', async (_, path) => {
    expect((await refusal(await path())).reason).toBe('InvalidCredential');
  });

  it('refuses a device, even in a listed directory', async () => {
    expect((await refusal('/dev/zero', ['/dev'])).reason).toBe('InvalidCredential');
  });

  it('reads a file as large as the limit', async () => {
    await writeFile(join(listed, 'large'), 'x'.repeat(65_536));
    expect(await read(join(listed, 'large'))).toHaveLength(65_536);
  });

  it('stops when it is told to', async () => {
    const reading = readListedFile({ path: join(listed, 'token'), directories: [listed], field }, AbortSignal.abort());
    await expect(reading).rejects.toMatchObject({ reason: 'Aborted' });
  });
});
