import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { inputsDigest, isVolatile, keptVolatile } from './kept-volatile.ts';
import { SecretValue } from './secret-value.ts';
import type { RenderedTarget } from './target-template.ts';
import type { TemplateInput } from './template-texts.ts';

const valuesOf = (texts: Readonly<Record<string, string>>) =>
  new Map(Object.entries(texts).map(([key, text]) => [key, new SecretValue(text)]));

const rendered: RenderedTarget = {
  data: valuesOf({ url: 'new', password: 'drawn-now' }),
  labels: { color: 'drawn-now', app: 'new' },
  annotations: {},
  finalizers: [],
  volatile: { data: ['password'], labels: ['color'], annotations: [] },
};
const earlier = {
  data: valuesOf({ url: 'old', password: 'drawn-then' }),
  labels: { color: 'red', app: 'old' },
  annotations: {},
};
const nowMs = Date.parse('2026-01-01T00:00:00Z');

describe('keptVolatile', () => {
  it('keeps what was drawn, and nothing else', () => {
    const kept = keptVolatile(rendered, earlier, nowMs);
    expect(kept?.data.get('password')?.text()).toBe('drawn-then');
    expect(kept?.data.get('url')?.text()).toBe('new');
    expect(kept?.labels).toEqual({ color: 'red', app: 'new' });
  });

  it.each([
    ['value', { ...earlier, data: valuesOf({ url: 'old' }) }],
    ['label', { ...earlier, labels: {} }],
  ])('has everything made anew when a drawn %s is gone', (_, there) => {
    expect(keptVolatile(rendered, there, nowMs)).toBeUndefined();
  });

  it('keeps a text that only looks like a certificate', () => {
    const text = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const { publicKey } = generateKeyPairSync('ed25519', {
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const there = { ...earlier, data: valuesOf({ password: text + publicKey }) };
    expect(keptVolatile(rendered, there, nowMs)?.data.get('password')?.text()).toContain('AAAA');
  });

  it('knows whether anything was drawn', () => {
    expect(isVolatile(rendered)).toBe(true);
    expect(isVolatile({ ...rendered, volatile: { data: [], labels: [], annotations: [] } })).toBe(false);
  });
});

describe('inputsDigest', () => {
  const items = [{ key: 'k', templateAs: 'Values' as const }];
  const input: TemplateInput = {
    template: {
      engineVersion: 'v2',
      mergePolicy: 'Replace',
      templateFrom: [{ target: 'Data', configMap: { name: 'm', items } }],
    },
    data: valuesOf({ a: '1', b: '2' }),
    texts: new Map([['ConfigMap/m', valuesOf({ k: 'text', other: 'x' })]]),
  };
  const digest = (change: Partial<TemplateInput>, uid = 'u', force: readonly string[] = []) =>
    inputsDigest({ ...input, ...change }, uid, force);
  const before = digest({});

  it.each([
    ['a value', digest({ data: valuesOf({ a: '1', b: '3' }) })],
    ['where one value ends', digest({ data: valuesOf({ a: '12', b: '' }) })],
    ['the type', digest({ template: { ...input.template, type: 't' } })],
    ['a text that is used', digest({ texts: new Map([['ConfigMap/m', valuesOf({ k: 'other' })]]) })],
    ['the object', digest({}, 'v')],
    ['a force-sync', digest({}, 'u', ['1'])],
  ])('shows a change of %s', (_, after) => {
    expect(after).not.toBe(before);
  });

  it.each([
    ['the order of values', digest({ data: valuesOf({ b: '2', a: '1' }) })],
    ['a text that is not used', digest({ texts: new Map([['ConfigMap/m', valuesOf({ k: 'text', other: 'y' })]]) })],
  ])('does not show %s', (_, after) => {
    expect(after).toBe(before);
  });
});
