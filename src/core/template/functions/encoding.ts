// Sprig's encodings: https://masterminds.github.io/sprig/encoding.html, and ESO's hexdec. What does not
// decode becomes the text of Go's error, as Sprig has it.
import { decodeStdBase64 } from '../base64.ts';
import { FunctionFault } from '../errors.ts';
import { type Bytes, bufferOf, bytesOfBuffer, unicodePoint } from '../text.ts';
import { define, type TemplateFunction } from './define.ts';

export const encodingFunctions: readonly TemplateFunction[] = [
  define('b64enc', ['string'], 'Base64', ([text]) => bufferOf(text).toString('base64')),
  define('b64dec', ['string'], 'from Base64', ([text]) => decode64(text)),
  define('b32enc', ['string'], 'Base32', ([text]) => encode32(text)),
  define('b32dec', ['string'], 'from Base32', ([text]) => decode32(text)),
  define('hexdec', ['string'], 'from hexadecimal', ([text]) => decodeHex(text)),
];

const alphabet32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function encode32(text: Bytes): Bytes {
  let encoded = '';
  let bits = 0;
  let held = 0;
  for (let index = 0; index < text.length; index++) {
    bits = ((bits << 8) | text.charCodeAt(index)) & 0xfff;
    for (held += 8; held >= 5; held -= 5) encoded += alphabet32[(bits >> (held - 5)) & 31];
  }
  if (held > 0) encoded += alphabet32[(bits << (5 - held)) & 31];
  return encoded.padEnd(Math.ceil(encoded.length / 8) * 8, '=');
}

/** What it decodes to, or Go's error. */
function decode64(text: Bytes): Bytes {
  try {
    return bytesOfBuffer(decodeStdBase64(text));
  } catch (thrown) {
    if (thrown instanceof FunctionFault) return thrown.message;
    throw thrown;
  }
}

function corrupt(encoding: string, at: number): string {
  return `illegal ${encoding} data at input byte ${at}`;
}

/** encoding/base32 with padding. Its offsets are Go's, which counts some of them from the end. */
function decode32(withNewlines: Bytes): Bytes {
  const text = withNewlines.replace(/[\r\n]/g, '');
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 8) {
    const block: number[] = [];
    for (let inBlock = 0; inBlock < 8; inBlock++) {
      const index = at + inBlock;
      if (index >= text.length) return corrupt('base32', text.length - inBlock);
      const isEnd = text[index] === '=' && inBlock >= 2 && text.length - index - 1 < 8;
      if (isEnd) {
        const fault = paddingFault32(text, index, inBlock);
        return fault === undefined ? textOfCodes([...bytes, ...fromFives(block)]) : corrupt('base32', fault);
      }
      const value = alphabet32.indexOf(text[index] ?? '=');
      if (value < 0) return corrupt('base32', index);
      block.push(value);
    }
    for (const byte of fromFives(block)) bytes.push(byte);
  }
  return textOfCodes(bytes);
}

function paddingFault32(text: Bytes, at: number, inBlock: number): number | undefined {
  const rest = text.length - at - 1;
  if (rest + inBlock < 7) return text.length;
  for (let index = 0; index < 7 - inBlock; index++) {
    if (rest > index && text[at + 1 + index] !== '=') return at + index;
  }
  return inBlock === 3 || inBlock === 6 ? at : undefined;
}

function fromFives(values: readonly number[]): number[] {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const value of values) {
    bits = ((bits << 5) | value) & 0xfff;
    held += 5;
    if (held < 8) continue;
    held -= 8;
    bytes.push((bits >> held) & 255);
  }
  return bytes;
}

function textOfCodes(codes: readonly number[]): Bytes {
  return Buffer.from(codes).toString('latin1');
}

function decodeHex(text: Bytes): Bytes {
  const bad = /[^0-9a-fA-F]/.exec(text);
  if (bad !== null) {
    return `encoding/hex: invalid byte: ${unicodePoint(bad[0].charCodeAt(0))}`;
  }
  if (text.length % 2 === 1) return 'encoding/hex: odd length hex string';
  return Buffer.from(text, 'hex').toString('latin1');
}
