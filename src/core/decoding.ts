// decodingStrategy and nullBytePolicy of a value. Node's base64 decoder accepts almost anything, so the text is checked by
// Go's rules first: padding is required, CR and LF are ignored, bits left over at the end are tolerated.
import { OperatorError } from '../base/operator-error.ts';

type Alphabet = 'Base64' | 'Base64URL';

const lineFeed = 10;
const carriageReturn = 13;
const pad = 61;

/**
 * The decoded bytes. `None` and an absent strategy return the input, `Auto` tries Base64, then Base64URL, then the input.
 * Throws InvalidValue for text that is not of the strategy's alphabet, InvalidSpec for an unknown strategy.
 */
export function decodeValue(bytes: Buffer, strategy: string | undefined): Buffer {
  switch (strategy) {
    case undefined:
    case '':
    case 'None':
      return bytes;
    case 'Base64':
    case 'Base64URL': {
      const decoded = decodeBase64(bytes, strategy);
      if (decoded !== undefined) return decoded;
      const fix = 'correct the value, or set decodingStrategy to None or Auto';
      throw new OperatorError('InvalidValue', `the value is not valid ${strategy} with padding: ${fix}`);
    }
    case 'Auto':
      return decodeBase64(bytes, 'Base64') ?? decodeBase64(bytes, 'Base64URL') ?? bytes;
    default: {
      const known = 'use None, Base64, Base64URL or Auto';
      throw new OperatorError('InvalidSpec', `unknown decodingStrategy ${JSON.stringify(strategy)}: ${known}`);
    }
  }
}

/** The decoded bytes, or undefined when Go's `encoding/base64` would refuse the text. */
export function decodeBase64(bytes: Buffer, alphabet: Alphabet): Buffer | undefined {
  const plus = alphabet === 'Base64' ? 43 : 45; // '+' or '-'
  const slash = alphabet === 'Base64' ? 47 : 95; // '/' or '_'
  let digits = 0;
  let pads = 0;
  for (const byte of bytes) {
    if (byte === lineFeed || byte === carriageReturn) continue;
    if (byte === pad) pads++;
    else if (pads === 0 && isDigit(byte, plus, slash)) digits++;
    else return undefined;
  }
  const wantedPads = [0, undefined, 2, 1][digits % 4];
  return pads === wantedPads ? Buffer.from(bytes.toString('latin1'), 'base64') : undefined;
}

function isDigit(byte: number, plus: number, slash: number): boolean {
  const isLetter = (byte >= 97 && byte <= 122) || (byte >= 65 && byte <= 90);
  return isLetter || (byte >= 48 && byte <= 57) || byte === plus || byte === slash;
}

/** nullBytePolicy of one value: throws InvalidValue when the policy is Fail and a NUL byte is there. */
export function checkNullBytes(key: string, bytes: Buffer, policy: string | undefined): void {
  if (policy !== 'Fail' || !bytes.includes(0)) return;
  const fix = 'correct the value, or set nullBytePolicy to Ignore';
  throw new OperatorError('InvalidValue', `the value of key ${JSON.stringify(key)} contains null bytes: ${fix}`);
}
