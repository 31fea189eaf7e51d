// Base64 as Go's encoding/base64 reads it: line breaks are skipped, all else must be right to the last byte.
import { fault } from './functions/define.ts';
import { type Bytes, bufferOf } from './text.ts';

/** Decodes Go's StdEncoding; throws FunctionFault with Go's text and the offset of the first wrong byte. */
export function decodeStdBase64(text: Bytes): Buffer {
  const isPlain = text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
  const wrong = isPlain ? undefined : wrongByte(text);
  if (wrong !== undefined) throw fault(`illegal base64 data at input byte ${wrong}`);
  return Buffer.from(text, 'base64');
}

export function encodeStdBase64(bytes: Bytes | Uint8Array): Bytes {
  return (typeof bytes === 'string' ? bufferOf(bytes) : Buffer.from(bytes)).toString('base64');
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** By the code of a byte: texts have megabytes. */
const isInAlphabet = Uint8Array.from({ length: 256 }, (_, code) =>
  Number(alphabet.includes(String.fromCharCode(code))),
);

/** Where Go stops. It reads four characters a time, so that an early end points at the start of its group. */
function wrongByte(text: Bytes): number | undefined {
  let inGroup = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 10 || code === 13) continue;
    if (isInAlphabet[code] === 1) inGroup = (inGroup + 1) % 4;
    else return text.charAt(at) === '=' ? wrongPadding(text, at, inGroup) : at;
  }
  return inGroup === 0 ? undefined : text.length - inGroup;
}

/** `at` is the first padding character, after `inGroup` characters of its group. */
function wrongPadding(text: Bytes, at: number, inGroup: number): number | undefined {
  if (inGroup < 2) return at;
  let end = at + 1;
  const skipBreaks = () => {
    while (text[end] === '\n' || text[end] === '\r') end += 1;
  };
  if (inGroup === 2) {
    skipBreaks();
    if (end === text.length) return text.length;
    if (text[end] !== '=') return end - 1;
    end += 1;
  }
  skipBreaks();
  return end < text.length ? end : undefined;
}
