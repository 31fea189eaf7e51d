// Files with credentials: ordinary ones of a bounded size. A device or a pipe in their place is neither read nor waited for.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { aborted } from '../base/operator-error.ts';

/** Tokens and keys have a few KiB. */
const maxBytes = 65_536;

/**
 * The whole file. Throws Node's error; one with code `EFTYPE` for what is no ordinary file, one with code `EFBIG` beyond
 * 64 KiB; and `Aborted`.
 */
export async function readBoundedFile(path: string, signal: AbortSignal): Promise<Buffer> {
  if (signal.aborted) throw aborted();
  // Without O_NONBLOCK, opening a pipe would wait for somebody to write.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    if (!(await file.stat()).isFile()) throw fileError('EFTYPE');
    return await readWhole(file);
  } finally {
    await file.close();
  }
}

/** The size that `stat` tells is not relied on: a file may grow, and some file systems say 0. */
async function readWhole(file: FileHandle): Promise<Buffer> {
  const buffer = Buffer.alloc(maxBytes + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
    length += bytesRead;
    if (length > maxBytes) throw fileError('EFBIG');
    if (bytesRead === 0) return buffer.subarray(0, length);
  }
}

function fileError(code: 'EFTYPE' | 'EFBIG'): Error {
  return Object.assign(new Error(code), { code });
}

/** The code of what reading a file threw, such as `ENOENT`; `unknown` for anything else. */
export function fileErrorCode(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown';
}
