import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Mask, masksOf } from './mask.ts';

function masked(secrets: readonly string[], chunks: readonly string[]): string {
  const mask = new Mask(masksOf(secrets));
  return Buffer.concat([...chunks.map((chunk) => mask.push(Buffer.from(chunk))), mask.end()]).toString();
}

describe('the mask', () => {
  it.each<[why: string, secrets: string[], chunks: string[], wanted: string]>([
    ['a secret within a line', ['hunter2'], ['password is hunter2!\n'], 'password is [secret]!\n'],
    ['one that chunks cut', ['hunter2'], ['is hun', 'ter', '2.'], 'is [secret].'],
    ['one that spans lines', ['one\ntwo'], ['x one\n', 'two y'], 'x [secret] y'],
    ['an indented line of one', ['first line\nsecond line\n'], ['  second line'], '  [secret]'],
    ['one without its last line end', ['token-1\n'], ['"token-1"'], '"[secret]"'],
    ['one and leaves the end of its last line', ['a token\n'], ['a token\nnext\n'], '[secret]\nnext\n'],
    ['one as JSON writes it', ['a"b\\c'], [JSON.stringify({ x: 'a"b\\c' })], '{"x":"[secret]"}'],
    ['one that begins within another', ['abcd', 'cdef'], ['xabcdefx'], 'x[secret]x'],
    ['one that is in another that comes later', ['abc', 'xxabcyy'], ['xxabc', 'yy'], '[secret]'],
    ['a beginning that does not go on', ['abcdef'], ['abc', 'abc', 'd.'], 'abcabcd.'],
    ['one after the other', ['abc'], ['abcabc'], '[secret][secret]'],
    ['nothing of two characters', ['ab'], ['ab'], 'ab'],
    ['text of other scripts', ['пароль'], ['мой пароль'], 'мой [secret]'],
  ])('covers %s', (_, secrets, chunks, wanted) => {
    expect(masked(secrets, chunks)).toBe(wanted);
  });

  it('never lets a secret through, wherever the stream is cut', () => {
    const symbol = fc.constantFrom('a', 'b', 'c', '\n');
    const text = fc.string({ unit: symbol, minLength: 3, maxLength: 6 }).filter((each) => each.trimEnd().length >= 3);
    fc.assert(
      fc.property(
        fc.array(text, { minLength: 1, maxLength: 3 }),
        fc.array(fc.string({ unit: symbol })),
        (secrets, chunks) => {
          const out = masked(secrets, chunks);
          for (const secret of secrets) expect(out.replaceAll('[secret]', '\0')).not.toContain(secret.trimEnd());
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('leaves a stream without secrets as it is', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (chunks) => {
        const whole = Buffer.concat(chunks);
        fc.pre(!whole.includes('hunter2'));
        const mask = new Mask(masksOf(['hunter2']));
        const out = [...chunks.map((chunk) => mask.push(Buffer.from(chunk))), mask.end()];
        expect(Buffer.concat(out).equals(whole)).toBe(true);
      }),
    );
  });

  it('holds back no more than the longest secret', () => {
    const mask = new Mask(masksOf(['aaa']));
    let written = 0;
    for (let at = 0; at < 1_000; at++) written += mask.push(Buffer.from('a'.repeat(100))).length;
    expect(written).toBe('[secret]'.length);
    expect(mask.end().length).toBe(0);
  });
});
