// Secret values that can be told again wherever they turn up: each holds a marker, and `leaks` looks for the marker in
// texts, plain or encoded. What must not hold a value is put through it at the end of a test.
import { randomBytes } from 'node:crypto';

/** A marker in the text of a value. Letters and digits only, so that no encoding of JSON, URLs or YAML changes it. */
export function createMarker(): string {
  return `canary${randomBytes(8).toString('hex')}`;
}

export interface Leak {
  /** Which of the texts. */
  readonly where: string;
  /** How the marker stood there: `plain`, `base64`, `hex`, `token`. */
  readonly form: string;
  /** What stands around it, for the one who looks for the cause. */
  readonly around: string;
}

/** Access tokens are JWTs that no test chooses, so they are known by their look: three parts, the first `{"…` in base64. */
const token = /eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/;

/** Every place where a marker, or any access token, stands in one of the named texts. */
export function leaks(texts: Readonly<Record<string, string>>, markers: readonly string[]): readonly Leak[] {
  const found: Leak[] = [];
  for (const [where, text] of Object.entries(texts)) {
    for (const { form, needle } of markers.flatMap(formsOf)) {
      const at = text.indexOf(needle);
      if (at >= 0) found.push({ where, form, around: text.slice(Math.max(0, at - 120), at + 60) });
    }
    const bearer = token.exec(text);
    if (bearer !== null)
      found.push({ where, form: 'token', around: text.slice(Math.max(0, bearer.index - 120), bearer.index + 20) });
  }
  return found;
}

interface Form {
  readonly form: string;
  readonly needle: string;
}

function formsOf(marker: string): readonly Form[] {
  return [
    { form: 'plain', needle: marker },
    { form: 'hex', needle: Buffer.from(marker).toString('hex') },
    ...[0, 1, 2].map((offset) => ({ form: 'base64', needle: base64Inside(marker, offset) })),
  ];
}

/**
 * The part of the marker's base64 that does not depend on what stands before and behind it, when `offset` bytes (modulo 3)
 * stand before: base64 turns three bytes into four characters, and characters at the seams mix neighbours.
 */
function base64Inside(marker: string, offset: number): string {
  const skipped = (3 - offset) % 3;
  const whole = Buffer.from(marker).subarray(skipped);
  return whole.subarray(0, whole.length - (whole.length % 3)).toString('base64');
}
