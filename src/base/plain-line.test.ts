import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OperatorError } from './operator-error.ts';
import { plainLine } from './plain-line.ts';

describe('plainLine', () => {
  it.each([
    ['line breaks of any system', 'a\r\n b\u2028c\u0085 \n d', 'a b c d'],
    ['colours', '\u001b[31mred\u001b[0m', '[31mred[0m'],
    ['C1 controls, which some terminals obey', 'a\u009b31mb', 'a31mb'],
    ['a turned reading order', 'user\u202enimda\u2066x\u2069', 'usernimdax'],
    ['what has no shape', 'to\u200bken\ufeff\u00ad\u{e0041}', 'token'],
    ['half a pair', 'a\ud800b', 'ab'],
    ['BEL, backspace and DEL', 'a\u0007\b\u007fb', 'ab'],
  ])('takes out %s', (_why, text, plain) => {
    expect(plainLine(text, 100)).toBe(plain);
  });

  it.each(['clé "ключ" 鍵 😀', 'with "quotes" and \\'])('leaves %j alone', (text) => {
    expect(plainLine(text, 100)).toBe(text);
  });

  it('is one printable line within its bound, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.integer({ min: 2, max: 100 }), (text, most) => {
        const line = plainLine(text, most);
        expect(line.length).toBeLessThanOrEqual(most);
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
        expect(plainLine(line, most)).toBe(line);
      }),
    );
  });

  it.each([' ', '\n', '\t \n', '\u001b', 'a'])('takes no time for 8 MiB of %j', (unit) => {
    const text = unit.repeat((8 << 20) / unit.length);
    const startedMs = performance.now();
    expect(new OperatorError('Internal', text).message.length).toBeLessThanOrEqual(8_192);
    expect(performance.now() - startedMs).toBeLessThan(100);
  });
});

describe('an error', () => {
  it('shows no control character in its message, nor one step further out', () => {
    const inner = new OperatorError('AccessDenied', 'refused: \u001b]0;title\u0007 \u202eyes');
    expect(inner.within('store\u0085"a"').message).toBe('store "a": refused: ]0;title yes');
  });
});
