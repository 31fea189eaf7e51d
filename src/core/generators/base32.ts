// Base32 of RFC 4648 §6.
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** With padding. */
export function toBase32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const digits = bits.match(/.{1,5}/g)?.map((five) => alphabet.charAt(Number.parseInt(five.padEnd(5, '0'), 2))) ?? [];
  return digits.join('') + '='.repeat((8 - (digits.length % 8)) % 8);
}

/** Of either case, with or without padding, with spaces between groups; undefined for text that is no base32. */
export function fromBase32(text: string): Buffer | undefined {
  const digits = text.replace(/\s/g, '').replace(/=+$/, '').toUpperCase();
  if (!/^[A-Z2-7]*$/.test(digits)) return undefined;
  const bits = Array.from(digits, (digit) => alphabet.indexOf(digit).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g)?.map((eight) => Number.parseInt(eight, 2)) ?? []);
}
