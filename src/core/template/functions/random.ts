// Sprig's random texts and numbers: from the bytes that the render was given. A template with one of them is volatile.
import { bytesOfRunes } from '../letters.ts';
import { type Bytes, bufferOf, bytesOfBuffer, runesOf } from '../text.ts';
import { type CallContext, define, fault, type TemplateFunction } from './define.ts';

const digits = '0123456789';
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('');
const isVolatile = { isVolatile: true } as const;

export const randomFunctions: readonly TemplateFunction[] = [
  define(
    'randAlphaNum',
    ['int'],
    'random letters and digits',
    ([size], context) => draw(size, letters + digits, context),
    isVolatile,
  ),
  define('randAlpha', ['int'], 'random letters', ([size], context) => draw(size, letters, context), isVolatile),
  define('randNumeric', ['int'], 'random digits', ([size], context) => draw(size, digits, context), isVolatile),
  define(
    'randAscii',
    ['int'],
    'random printable ASCII characters',
    ([size], context) => draw(size, printable, context),
    isVolatile,
  ),
  define(
    'randInt',
    ['int', 'int'],
    'a random int from the first to below the second',
    ([min, max], context) => {
      if (max <= min) throw fault('invalid argument to Intn');
      return min + below(max - min, context);
    },
    isVolatile,
  ),
  define(
    'randBytes',
    ['int'],
    'random bytes, in Base64',
    ([size], { budget, randomBytes }) => {
      if (size < 0n) throw fault('runtime error: makeslice: len out of range');
      budget.room(Number(size) * 2);
      return bufferOf(bytesOfBuffer(randomBytes(Number(size)))).toString('base64');
    },
    isVolatile,
  ),
  define(
    'shuffle',
    ['string'],
    'the characters in a random order',
    ([text], context) => {
      const runes = runesOf(text);
      context.budget.step(runes.length);
      for (let index = runes.length - 1; index > 0; index--) {
        const other = Number(below(BigInt(index + 1), context));
        const held = runes[index] ?? 0;
        runes[index] = runes[other] ?? 0;
        runes[other] = held;
      }
      return bytesOfRunes(runes);
    },
    isVolatile,
  ),
  define(
    'uuidv4',
    [],
    'a random UUID',
    (_, { randomBytes }) => {
      const bytes = Buffer.from(randomBytes(16));
      bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
      bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
      return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    },
    isVolatile,
  ),
];

/** Characters of the alphabet, each as likely: a byte past the last full round is thrown away. */
function draw(size: bigint, alphabet: string, { budget, randomBytes }: CallContext): Bytes {
  if (size <= 0n) return '';
  budget.room(Number(size));
  const limit = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < size) {
    for (const byte of randomBytes(Math.min(Number(size) - text.length + 16, 65_536))) {
      if (byte < limit && text.length < size) text += alphabet[byte % alphabet.length];
    }
    budget.step();
  }
  return text;
}

/** A random integer from 0 to below the bound: 16 bytes make the bias of the remainder too small to see. */
function below(bound: bigint, { randomBytes }: CallContext): bigint {
  return BigInt(`0x${Buffer.from(randomBytes(16)).toString('hex')}`) % bound;
}
