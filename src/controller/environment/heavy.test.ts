// Environments that are too large for the event loop, with a real thread: they give what they give anywhere, leave the loop
// free, and end as an error of their own when they are more than that.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { watched } from '../../../test/support/thread-time.ts';
import { asOperatorError } from '../../base/operator-error.ts';
import { pathsWhere, plainJson } from '../../core/esc/export.ts';
import { hostileDocuments } from '../../core/esc/hostile.fixture.ts';
import { type HeldValue, isPacked, unpackValue } from '../../core/esc/packed-value.ts';
import { bytesValue, objectValue, textValue } from '../../core/esc/value.ts';
import { SecretValue } from '../../core/secret-value.ts';
import { checkEnvironment } from '../../providers/esc/check.ts';
import { clusterOf, openInline } from '../../providers/esc/esc.fixture.ts';
import { openEnvironment } from '../../providers/esc/evaluation.ts';
import type { EscProvider } from '../../providers/esc/open/contract.ts';
import { createDesk } from '../desk.ts';
import { heavyRooms } from '../heavy-rooms.fixture.ts';

const rooms = heavyRooms({ deadlineMs: 60_000 }); // on a machine that others use as well
const { heavy } = rooms;
afterAll(() => heavy.close());

const never = new AbortController().signal;
const desk = () => createDesk('shop', rooms, never);

const binary = Buffer.from([0, 255, 128, 10]);
const large: EscProvider = {
  inputs: true,
  outputs: true,
  open: async () =>
    objectValue([
      ...Array.from({ length: 20_000 }, (_, at) => [`K${at}`, textValue(`v${at}`, { secret: true })] as const),
      ['binary', bytesValue(binary, { secret: true })],
    ]),
};
const providers = new Map([['large', large]]);

function largeEnvironment() {
  const list = Array.from({ length: 12_000 }, (_, at) => ({ at, text: `t${at}` }));
  const base = { values: { list, shared: 'from base' } };
  const values = {
    more: Array.from({ length: 12_000 }, (_, at) => `\${shared} ${at}`),
    opened: { 'fn::open::large': {} },
    environmentVariables: { ONE: `\${opened.K7}`, COUNT: `\${list[11999].at}` },
  };
  return clusterOf({ environments: { 'shop/base': base, 'shop/app': { imports: ['base'], values } } });
}

const order = { name: 'shop/app', consumer: 'shop', holder: 'store', notBeforeMs: 0 };

describe('an Environment that is too large for the loop', () => {
  it('is opened in a thread, to the same value, of which all is to be had', async () => {
    const cluster = largeEnvironment();
    const { value } = await openEnvironment(order, { cluster, providers, desk: desk() }, never);
    const inline = await openInline(order, { cluster, providers }, never);
    expect(heavy.threadCount).toBe(1);
    expect(isPacked(value)).toBe(true);
    expect(plain(value)).toEqual(plain(inline.value));
    const asks = [
      { kind: 'map', key: 'environmentVariables' },
      { kind: 'value', key: 'opened', property: 'binary' },
      { kind: 'value', key: 'nope' },
    ] as const;
    const [variables, bytes, nope] = await desk().run('selectValues', { environment: 'shop/app', value, asks });
    expect(variables).toEqual({ values: new Map(Object.entries({ COUNT: '11999', ONE: 'v7' }).map(asSecret)) });
    expect(bytes && 'values' in bytes && bytes.values.get('opened')?.reveal()).toEqual(binary);
    expect(nope).toMatchObject({ error: { reason: 'SecretNotFound' } });
    const { secret } = await desk().run('publication', { value, publish: { secretName: 'app' } });
    expect([...secret.keys()]).toEqual(['COUNT', 'ONE']);
  }, 120_000);

  it('is checked in a thread, to the same verdict', async () => {
    const cluster = largeEnvironment();
    const checked = await checkEnvironment('shop/app', { cluster, providers, desk: desk() }, never);
    expect(checked).toMatchObject({ errors: 0, imports: ['shop/base'] });
    expect(checked.keys.map(({ name, type }) => [name, type])).toEqual([
      ['environmentVariables', 'object'],
      ['list', 'array'],
      ['more', 'array'],
      ['opened', 'any'],
      ['shared', 'string'],
    ]);
  }, 120_000);
});

describe('a document that multiplies', () => {
  beforeAll(async () => {
    // The thread is there, and the code is warm.
    const cluster = largeEnvironment();
    await openEnvironment(order, { cluster, providers, desk: desk() }, never);
    await checkEnvironment('shop/app', { cluster, providers, desk: desk() }, never);
  }, 120_000);

  /** Those that fill time, memory and text; all of them are tried within the share of the loop. */
  it.each([
    'as many values as there may be',
    'interpolations that double',
    'lists joined again and again',
    'JSON that is read again and again',
    'names that are nearly alike',
    'errors below a long key',
  ])(
    'by %s leaves the loop free, and ends as a value or as an error of its own',
    async (name) => {
      const cluster = clusterOf({ environments: { 'shop/app': { values: hostileDocuments[name]?.() } } });
      const ports = { cluster, providers, desk: desk() };
      const { outcome, longestMs } = await watched(() => openEnvironment(order, ports, never));
      if (outcome.status === 'rejected')
        expect(['TooMuchWork', 'InvalidSpec']).toContain(asOperatorError(outcome.reason).reason);
      expect(longestMs).toBeLessThan(150); // 50 ms on a machine of its own
    },
    180_000,
  );
});

function asSecret([key, text]: readonly [string, string]) {
  return [key, new SecretValue(Buffer.from(text))] as const;
}

/** All of it, and where it is secret. */
function plain(held: HeldValue) {
  const value = unpackValue(held);
  return [plainJson(value, { redact: false }), pathsWhere(value, ({ secret }) => secret)];
}
