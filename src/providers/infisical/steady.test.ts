import { describe, expect, it } from 'vitest';
import { steady } from './steady.ts';

describe('steady', () => {
  it.each([
    ['No access to project d430f4c1-6ef3-453b-9b85-360b1605cebe', 'No access to project <id>'],
    ['Failed (reqId: req-1a2)', 'Failed (<request id>)'],
    ['request id aB3-x_9 failed', '<request id> failed'],
    ['jwt expired at 2026-11-29T06:16:10.123Z', 'jwt expired at <time>'],
    ['since Sun, 29 Nov 2026 06:16:10 GMT', 'since <time>'],
    ['since Sun Nov 29 2026 06:16:10 GMT+0000', 'since <time>'],
    ['Please try again in 59 seconds', 'Please try again in <n> seconds'],
    ['token used 1795915779', 'token used <n>'],
    ['trace 4bf92f3577b34da6a3ce929d0e0e4736', 'trace <id>'],
    ['object 01HZXK5V9GQ3nRk2p8ydb0tW4e is gone', 'object <id> is gone'],
  ])('masks what differs each time: %s', (text, masked) => {
    expect(steady(text)).toBe(masked);
  });

  it.each([
    'Access denied: K8s namespace not allowed.',
    'the request is invalid, requests are limited',
    'secret DATABASE_PASSWORD_V2_OF_SHOP in folder /app-1 not found, HTTP 403',
    'jwt issuer invalid. expected: https://issuer.example:8443/oidc',
  ])('leaves words and names alone: %s', (text) => {
    expect(steady(text)).toBe(text);
  });

  it.each(['a', '0', '0-', 'req ', 'Sun ', 'aA1', '1.1', ' ', '2026-11-29 '])(
    'takes no time for a mebibyte of %j',
    (unit) => {
      const text = unit.repeat((1 << 20) / unit.length);
      const startedMs = performance.now();
      steady(text);
      expect(performance.now() - startedMs).toBeLessThan(500);
    },
  );
});
