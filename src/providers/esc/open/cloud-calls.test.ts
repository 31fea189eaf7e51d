import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecretValue } from '../../../core/secret-value.ts';
import { cleaned } from './cloud-calls.ts';

describe('the words of a cloud', () => {
  it.each([
    [
      'ids and time of the request',
      'Refused. Trace ID: 1-2 Correlation ID: 3 Timestamp: 2026-01-01 10:00:00Z',
      'Refused',
    ],
    [
      'times',
      'Current time: 2026-01-01T10:00:00.0000000Z, valid from 2026-01-01T09:00:00Z.',
      'Current time: [time], valid from [time]',
    ],
    ['Unix times', 'ID Token issued at 1700000000 is stale.', 'ID Token issued at [time] is stale'],
    [
      'numbers of projects, which stay',
      'projects/123456789012/secrets/db not found',
      'projects/123456789012/secrets/db not found',
    ],
    ['tokens of others', 'got eyJhbGciOi.eyJzdWIi.c2ln and ya29.a0Ab-cd', 'got [token] and [token]'],
    ['more than one line', 'Caller is not authorized.\r\nVault: shop\r\n', 'Caller is not authorized. Vault: shop'],
  ])('are cleaned of %s', (_, text, expected) => {
    expect(cleaned(text, [])).toBe(expected);
  });

  it('never hold what was sent, wherever it stands, and are bounded', () => {
    const text = fc.string({ maxLength: 2_000 });
    const secret = fc.stringMatching(/^[A-Za-z0-9]{12,40}$/);
    fc.assert(
      fc.property(text, secret, text, (before, sent, after) => {
        const words = cleaned(`${before}${sent}${after}${sent}`, [new SecretValue(sent)]);
        return !words.includes(sent) && words.length <= 500;
      }),
    );
  });
});
