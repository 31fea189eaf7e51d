import { describe, expect, it } from 'vitest';
import { didYouMean } from './near-miss.ts';

describe('didYouMean', () => {
  it.each([
    ['a letter is missing', 'API_KY', ['DB_URL', 'API_KEY'], '; did you mean "API_KEY"?'],
    ['the case is another', 'api_key', ['DB_URL', 'API_KEY'], '; did you mean "API_KEY"?'],
    ['nothing is near', 'zzzzzz', ['DB_URL', 'API_KEY'], ''],
    ['nothing is there', 'API_KEY', [], ''],
    ['the name is beyond reason', 'A'.repeat(5_000), ['A'.repeat(4_999)], ''],
  ])('says what was meant when %s', (_, wanted, names, expected) => {
    expect(didYouMean(wanted, names)).toBe(expected);
  });

  it('says the same whatever the order of the names', () => {
    expect(didYouMean('KEY', ['KEY2', 'KEY1'])).toBe(didYouMean('KEY', ['KEY1', 'KEY2']));
  });

  it('takes no time among many names', () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `SOME_LONG_NAME_OF_A_KEY_${i}`);
    const fromMs = performance.now();
    didYouMean('SOME_LONG_NAME_OF_A_KEY', names);
    expect(performance.now() - fromMs).toBeLessThan(500);
  });
});
