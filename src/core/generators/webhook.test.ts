import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseGenerator } from '../../crds/generators/table.ts';
import type { WebhookSpec } from '../../crds/generators/webhook.ts';
import { Budget } from '../budget.ts';
import { randomFrom } from '../rendering.ts';
import { SecretValue } from '../secret-value.ts';
import { webhookCall, webhookValues } from './webhook.ts';

function specOf(spec: object): WebhookSpec {
  const parsed = parseGenerator('Webhook', {
    metadata: { name: 'g' },
    spec: { url: 'https://h/', result: {}, ...spec },
  });
  if (parsed.ok?.kind !== 'Webhook') throw new Error(parsed.issues?.join());
  return parsed.ok.spec;
}

const context = () => ({ budget: new Budget(), nowMs: 0, randomBytes: randomFrom(Buffer.alloc(32)) });
const secrets = new Map([
  [
    'login',
    new Map([
      ['token', new SecretValue('a b&c/ü')],
      ['user', new SecretValue('ann')],
    ]),
  ],
  ['other-one', new Map([['k', new SecretValue('v')]])],
]);
const callOf = (spec: object) => webhookCall(specOf(spec), secrets, context());

describe('webhookCall', () => {
  it('is a GET with half a minute unless the spec says otherwise', () => {
    expect(callOf({})).toEqual({ method: 'GET', url: 'https://h/', headers: {}, body: undefined, timeoutMs: 30_000 });
  });

  it('fills in Secrets: escaped in the URL, as they are in headers and body', () => {
    expect(
      callOf({
        url: 'https://h/v1/{{ .login.user }}?t={{ .login.token }}',
        method: 'POST',
        headers: { Authorization: 'Bearer {{ .login.token }}', 'X-Fixed': 'yes' },
        body: '{"t":{{ .login.token | toJson }},"o":"{{ index . "other-one" "k" }}"}',
        timeout: '2s',
      }),
    ).toEqual({
      method: 'POST',
      url: 'https://h/v1/ann?t=a+b%26c%2F%C3%BC',
      headers: { Authorization: 'Bearer a b&c/ü', 'X-Fixed': 'yes' },
      body: '{"t":"a b\\u0026c/ü","o":"v"}',
      timeoutMs: 2_000,
    });
  });

  it.each([
    ['a negative timeout', '-1s', 30_000],
    ['a timeout of an hour', '1h', 30_000],
    ['none', '', 30_000],
  ])('waits no longer than the door does with %s', (_, timeout, expected) => {
    expect(callOf({ timeout }).timeoutMs).toBe(expected);
  });

  it('leaves headers of the connection to whoever sends', () => {
    expect(
      callOf({ headers: { Host: 'x', 'content-length': '3', 'Transfer-Encoding': 'chunked', A: 'b' } }).headers,
    ).toEqual({
      A: 'b',
    });
  });

  it.each([
    ['a host from a Secret', { url: 'https://{{ .login.user }}/x' }, 'InvalidSpec', 'scheme and host'],
    ['a host that a template lengthens', { url: 'https://h{{ .login.user }}/x' }, 'InvalidSpec', 'scheme and host'],
    ['a port from a Secret', { url: 'https://h:{{ .login.user }}/x' }, 'InvalidSpec', 'scheme and host'],
    ['another scheme', { url: 'file:///etc/passwd' }, 'InvalidSpec', 'scheme and host'],
    ['no URL', { url: '' }, 'InvalidSpec', 'scheme and host'],
    ['a method that is none', { method: 'BREW' }, 'InvalidSpec', 'spec.method'],
    ['a name that no header has', { headers: { 'a b': 'c' } }, 'InvalidSpec', 'spec.headers'],
    ['a timeout that is none', { timeout: 'soon' }, 'InvalidSpec', 'soon'],
    ['a Secret that is not named', { body: '{{ .nobody.token }}' }, 'InvalidTemplate', 'spec.body'],
    [
      'a key that the Secret has not',
      { headers: { A: '{{ .login.nothing }}' } },
      'InvalidTemplate',
      'spec.headers["A"]',
    ],
    ['a template that does not parse', { body: '{{ .login' }, 'InvalidTemplate', 'spec.body'],
  ])('refuses %s', (_, spec, reason, named) => {
    expect(() => callOf(spec)).toThrowError(
      expect.objectContaining({ reason, message: expect.stringContaining(named) }),
    );
  });

  it('never says what a Secret holds', () => {
    const canary = 'canary-5e1f';
    const held = new Map([['s', new Map([['k', new SecretValue(canary)]])]]);
    const texts = [
      '{{ .s.k.x }}',
      '{{ .s.k | fail }}',
      '{{ .s.k | fromJson | toYaml | b32dec | int | index . }}',
      '{{ .s.no }}{{ .s.k }}',
    ];
    for (const body of texts) {
      const thrown = messageOf(() => webhookCall(specOf({ body }), held, context()));
      expect(thrown).not.toContain(canary);
    }
  });
});

function messageOf(run: () => unknown): string {
  try {
    return JSON.stringify(run());
  } catch (thrown) {
    return String(thrown);
  }
}

describe('webhookValues', () => {
  const valuesOf = (answer: unknown, jsonPath?: string) =>
    Object.fromEntries(
      webhookValues(jsonPath, typeof answer === 'string' ? answer : JSON.stringify(answer), new Budget()),
    );

  it.each([
    ['the whole answer', { a: 'x' }, undefined, { a: 'x' }],
    ['an empty path', { a: 'x' }, '', { a: 'x' }],
    ['a member', { data: { login: { a: 'x' } } }, '$.data.login', { a: 'x' }],
    ['an element', { list: [{ a: 1 }, { a: 2 }] }, '$.list[1]', { a: '2' }],
    ['quoted names', { 'a b': { "c'd": { e: 'f' } } }, `$["a b"]['c\\'d']`, { e: 'f' }],
    ['a text that is JSON', { text: '{"a":"x"}' }, '$.text', { a: 'x' }],
    [
      'members that are no text, as ESO writes them',
      { t: true, n: 1.5, big: 1e21, nul: null, list: [1, '<'], object: { b: 1, a: 2 } },
      '$',
      { t: 'true', n: '1.5', big: '1000000000000000000000', nul: '', list: '[1,"\\u003c"]', object: '{"a":2,"b":1}' },
    ],
    [
      'keys that JavaScript knows',
      '{"__proto__":"p","constructor":"c"}',
      undefined,
      { ['__proto__']: 'p', constructor: 'c' },
    ],
  ])('takes %s', (_, answer, path, expected) => {
    expect(valuesOf(answer, path)).toEqual(expected);
  });

  it.each([
    ['no JSON', '<html>', undefined, 'InvalidValue'],
    ['a list', [1], undefined, 'InvalidValue'],
    ['a number at the path', { a: 1 }, '$.a', 'InvalidValue'],
    ['a text that is no JSON', { a: 'no' }, '$.a', 'InvalidValue'],
    ['a member that is not there', { a: {} }, '$.a.b', 'PropertyNotFound'],
    ['an element that is not there', { a: [] }, '$.a[3]', 'PropertyNotFound'],
    ['a name of JavaScript', {}, '$.constructor', 'PropertyNotFound'],
    ['a path without its root', { a: {} }, 'a', 'InvalidSpec'],
    ['a path that gives a list', { a: [{}] }, '$.a[*]', 'InvalidSpec'],
    ['a filter', { a: [{}] }, '$.a[?(@.b)]', 'InvalidSpec'],
  ])('refuses %s', (_, answer, path, reason) => {
    expect(() => valuesOf(answer, path)).toThrowError(expect.objectContaining({ reason }));
  });

  it('gives every member of any object, each as text', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (object) => {
        const wellFormed = Object.entries(object).map(([key, text]) => [key.toWellFormed(), text.toWellFormed()]);
        expect(webhookValues('$.deep[0]', JSON.stringify({ deep: [object] }), new Budget())).toEqual(
          new Map(wellFormed as [string, string][]),
        );
      }),
    );
  });

  it('is paid for', () => {
    const budget = new Budget({ work: 1_000, held: 2 ** 20, produced: 2 ** 20 });
    expect(() => webhookValues(undefined, JSON.stringify({ a: 'x'.repeat(2_000) }), budget)).toThrowError(
      expect.objectContaining({ reason: 'TooMuchWork' }),
    );
  });
});
