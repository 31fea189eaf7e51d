// What answers take while they are kept, in bytes, about.
import { isRecord } from '../../base/json.ts';
import type { EscValue } from '../../core/esc/value.ts';
import { overheadBytes } from './snapshots.ts';

/** Of a value of the ESC language. */
export function sizeOfEsc({ data, members }: EscValue): number {
  if (data.kind === 'string') return (data.bytes?.length ?? data.text.length) + overheadBytes;
  if (data.kind === 'array') return data.elements.reduce((sum, each) => sum + sizeOfEsc(each), overheadBytes);
  let bytes = overheadBytes;
  for (const [name, member] of members) bytes += name.length + sizeOfEsc(member);
  return bytes;
}

/** Of JSON as it was parsed. */
export function sizeOfJson(json: unknown): number {
  if (typeof json === 'string') return json.length + overheadBytes;
  if (Array.isArray(json)) return json.reduce((sum: number, each: unknown) => sum + sizeOfJson(each), overheadBytes);
  if (!isRecord(json)) return overheadBytes;
  return Object.entries(json).reduce((sum, [name, each]) => sum + name.length + sizeOfJson(each), overheadBytes);
}
