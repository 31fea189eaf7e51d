// Kind Password: random text. Field reference of the compatible API: https://external-secrets.io/latest/api/generator/password/
import * as z from 'zod/mini';
import { about, defaulted, flag, integer, oneOf, optional, text, textList } from '../kit.ts';

/** Longer ones fit no use, and would let a small object make a large Secret. */
export const longestPassword = 16_384;

export const passwordSpec = z.object({
  length: defaulted(
    about(
      `Number of characters, at most ${longestPassword}. Default 24.`,
      z.int().check(z.minimum(1), z.maximum(longestPassword)),
    ),
    24,
  ),
  digits: optional(integer('Number of digits among them; absent means a quarter of the length.')),
  symbols: optional(integer('Number of symbols among them; absent means a quarter of the length.')),
  symbolCharacters: optional(text('Symbols to choose from; absent means those of an American keyboard.')),
  noUpper: defaulted(flag('True for no upper-case letters. Default false.'), false),
  allowRepeat: defaulted(flag('True to let a character occur more than once. Default false.'), false),
  secretKeys: optional(textList('Keys of the output, each with a password of its own; absent means `password`.')),
  encoding: defaulted(
    oneOf(['base64', 'base64url', 'base32', 'hex', 'raw'], 'How the password is written. Default raw.'),
    'raw',
  ),
});

export type PasswordSpec = z.infer<typeof passwordSpec>;
