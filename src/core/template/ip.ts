// IP addresses as Go's net.ParseIP takes them: no zone, no leading zeros in IPv4.
import type { Bytes } from './text.ts';

const byte = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4 = new RegExp(`^(${byte})\\.(${byte})\\.(${byte})\\.(${byte})$`);

/** 4 bytes for an IPv4 address, also a mapped one, 16 for another; undefined for what is no address. */
export function parseIp(text: Bytes): Buffer | undefined {
  const quad = ipv4.exec(text);
  if (quad !== null) return Buffer.from(quad.slice(1).map(Number));
  const groups = ipv6Groups(withoutQuad(text));
  if (groups === undefined) return undefined;
  const hex = groups.map((group) => group.padStart(4, '0')).join('');
  const bytes = Buffer.from(hex, 'hex');
  return hex.startsWith('00000000000000000000ffff') ? bytes.subarray(12) : bytes;
}

/** The last 32 bits of an IPv6 address may stand as IPv4. */
function withoutQuad(text: Bytes): Bytes {
  const start = text.lastIndexOf(':') + 1;
  const quad = start === 0 ? null : ipv4.exec(text.slice(start));
  if (quad === null) return text;
  const hex = Buffer.from(quad.slice(1).map(Number)).toString('hex');
  return `${text.slice(0, start)}${hex.slice(0, 4)}:${hex.slice(4)}`;
}

function ipv6Groups(text: Bytes): readonly string[] | undefined {
  const [head = '', tail, more] = text.split('::');
  if (more !== undefined) return undefined;
  const split = (part: string) => (part === '' ? [] : part.split(':'));
  const before = split(head);
  const after = split(tail ?? '');
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...before, ...Array<string>(missing).fill('0'), ...after];
  return groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group)) ? groups : undefined;
}
