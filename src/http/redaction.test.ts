import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withoutSent } from './redaction.ts';

const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJyb2JvdCJ9.Q2FuYXJ5U2lnbmF0dXJl';
const get = { headers: { accept: 'application/json', authorization: `Bearer ${token}` } };
const password = 'pa"ss\\wörd<&+/ 1';
const post = { body: JSON.stringify({ username: 'robot', password, headers: { date: 'signed-at-noon' }, pin: '12' }) };
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('withoutSent', () => {
  it.each<[how: string, said: string, left: string]>([
    ['the header', `refused: Bearer ${token}.`, 'refused: Bearer [redacted].'],
    ['the token alone', `token ${token} is bad`, 'token [redacted] is bad'],
    ['the token, cut off', `token ${token.slice(0, 30)}… is bad`, 'token [redacted]… is bad'],
    ['its end', `… ${token.slice(-20)}`, '… [redacted]'],
    ['base64', `<${base64(token)}>`, '<[redacted]w=>'],
    ['the token with zero-width spaces', `a ${token.replaceAll('.', '.\u200b')}`, 'a [redacted]'],
    ['a URL', `next=${encodeURIComponent(`Bearer ${token}`)}`, 'next=Bearer%20[redacted]'],
  ])('takes a header out, repeated as %s', (_how, said, left) => {
    expect(withoutSent(said, get)).toBe(left);
  });

  it.each<[how: string, form: string]>([
    ['it is', password],
    ['JSON writes it', JSON.stringify(password).slice(1, -1)],
    ['JSON in ASCII', 'pa\\"ss\\\\w\\u00f6rd\\u003c\\u0026+/ 1'],
    ['a URL writes it', encodeURIComponent(password)],
    ['a URL in lower case', encodeURIComponent(password).replace(/%../g, (code) => code.toLowerCase())],
    ['a form writes it', new URLSearchParams({ a: password }).toString().slice(2)],
    ['base64', base64(password).replace(/=+$/, '')],
    ['base64 for URLs', Buffer.from(password).toString('base64url')],
  ])('takes a text of the body out, as %s', (_how, form) => {
    expect(withoutSent(`user robot, "${form}", pin 12`, post)).toMatch(/^user \[redacted\], "\[redacted\].?", pin 12$/);
  });

  it('finds texts in base64 of the whole body, wherever they begin', () => {
    for (const before of ['', 'x', 'xx', 'xxx']) {
      const clean = withoutSent(base64(`${before}${post.body}`), post);
      const left = clean.split('[redacted]').map((part) => Buffer.from(part, 'base64').toString());
      expect(left.join()).not.toMatch(/ss\\|rd<|noon/);
    }
  });

  it('takes out what a proof in base64 says', () => {
    const proof = { 'X-Amz-Security-Token': 'session-canary', Authorization: 'AWS4 Signature=canary-of-it' };
    const body = JSON.stringify({ iamRequestHeaders: base64(JSON.stringify(proof)) });
    expect(withoutSent('session-canary and AWS4 Signature=canary-of-it', { body })).toBe('[redacted] and [redacted]');
    const basic = { headers: { authorization: `Basic ${base64('robot:open sesame')}` } };
    expect(withoutSent('no "open sesame"', basic)).toBe('no "[redacted]"');
  });

  it('takes texts out of a form', () => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_secret: 's3cr€t value' }).toString();
    expect(withoutSent('bad secret s3cr€t value', { body })).toBe('bad secret [redacted]');
  });

  it('leaves a text alone that repeats nothing', () => {
    const text = 'Access denied: K8s namespace not allowed. Bearer tokens of application/json';
    expect(withoutSent(text, { ...get, ...post })).toBe(text);
  });

  it('leaves no beginning of a token, however it is repeated', () => {
    const material = fc
      .string({ unit: 'grapheme', minLength: 16, maxLength: 60 })
      .filter((text) => /\S{16}/.test(text));
    fc.assert(
      fc.property(material, fc.string(), fc.string(), (secret, before, after) => {
        const request = { headers: { 'x-token': secret } };
        for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())]) {
          const clean = withoutSent(`${before}${form}${after}`, request);
          expect(clean).not.toContain(form.slice(0, 14));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('takes a first word for the name of a scheme only where one stands', () => {
    const sent = `${token.slice(0, 16)}  !`;
    expect(withoutSent(`no: ${sent}`, { headers: { 'x-token': sent } })).toBe('no: [redacted]');
    expect(withoutSent('Bearer: no', { headers: { Authorization: `Bearer ${token}` } })).toBe('Bearer: no');
  });

  it.each<[what: string, said: string, sent: string]>([
    ['the same letter in both', 'a'.repeat(1 << 20), 'a'.repeat(60_000)],
    ['the token, over and over', `${token} `.repeat(20_000), token],
    ['short texts', 'abcd'.repeat(1 << 18), 'abcd'],
  ])('takes little time for %s', (_what, said, sent) => {
    const startedMs = performance.now();
    const clean = withoutSent(said, { headers: { authorization: `Bearer ${sent}` } });
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(clean.replaceAll('[redacted]', '').length).toBeLessThan(20_000);
  });

  it('repeats nothing when more was sent than it compares', () => {
    const body = JSON.stringify({ jwt: 'x'.repeat(100_000) });
    expect([withoutSent('invalid', { body }), withoutSent('', { body })]).toEqual(['[redacted]', '']);
  });
});
