import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rfc3339 } from '../../core/sync-status.ts';
import type { ExternalSecretStatus } from '../../crds/external-secret.ts';
import { externalSecretRecord } from '../records.ts';
import type { Memory } from './context.ts';
import { intervalOf, untilNextWaveMs, versionOf, whatIsDue } from './due.ts';

const hour = 3_600_000;
const nowMs = Date.parse('2026-05-01T12:00:00Z');

function recordOf(status: ExternalSecretStatus, metadata: object = {}) {
  const spec = { secretStoreRef: { name: 's' }, data: [{ secretKey: 'K', remoteRef: { key: 'r' } }] };
  const named = { namespace: 'shop', name: 'web', uid: 'u', generation: 2, labels: { a: 'b' } };
  const object = { metadata: { ...named, ...metadata }, spec, status };
  return externalSecretRecord(object);
}

function specOf(refreshInterval: string) {
  const object = { metadata: { namespace: 'shop', name: 'web' }, spec: { refreshInterval } };
  const { spec } = externalSecretRecord(object);
  if (!('ok' in spec)) throw new Error(spec.issues.join());
  return spec.ok;
}

const version = versionOf(recordOf({}));
const green: ExternalSecretStatus = {
  syncedResourceVersion: version,
  refreshTime: rfc3339(nowMs - 60_000),
  conditions: [{ type: 'Ready', status: 'True' }],
};
const fresh: Memory = {
  firstSeenMs: 0,
  nextDueMs: undefined,
  hasFailed: false,
  phaseKey: undefined,
  origin: '',
  orphans: new Set(),
  superseded: undefined,
};
const scheduled: Memory = { ...fresh, nextDueMs: 5_000 };

describe('intervalOf', () => {
  it.each([
    ['1h0m0s', hour],
    ['90s', 90_000],
    ['0', 0],
    ['0s', 0],
    ['-5m', 0],
    ['1s', 1_000],
    ['1ns', 1_000],
    ['999ms', 1_000],
  ])('reads %s', (text, ms) => {
    expect(intervalOf(specOf(text))).toBe(ms);
  });

  it.each(['', 'soon', '5', '1d', '1h 30m'])('refuses %j, naming the field', (text) => {
    expect(() => intervalOf(specOf(text))).toThrow(
      expect.objectContaining({ reason: 'InvalidSpec', message: expect.stringContaining('spec.refreshInterval') }),
    );
  });
});

describe('whatIsDue', () => {
  interface Case {
    status?: ExternalSecretStatus;
    memory?: Memory;
    causes?: readonly string[];
    isTargetValid?: boolean;
    intervalMs?: number;
  }

  it.each<[why: string, given: Case, due: string | undefined]>([
    ['nothing', {}, undefined],
    ['a target that is not as it was left', { isTargetValid: false }, 'target'],
    ['such a target also with interval 0', { isTargetValid: false, intervalMs: 0 }, 'target'],
    ['an object that was never synced', { status: {} }, 'spec'],
    ['an object that was edited', { status: { ...green, syncedResourceVersion: '1-x' } }, 'spec'],
    [
      'an edit with interval 0, which ESO leaves alone',
      { status: { ...green, syncedResourceVersion: '1-x' }, intervalMs: 0 },
      undefined,
    ],
    ['a Secret under an earlier target name', { memory: { ...scheduled, orphans: new Set(['shop/old']) } }, 'orphan'],
    ['a failure before', { memory: { ...scheduled, hasFailed: true } }, 'retry'],
    ['a failure before with interval 0', { memory: { ...scheduled, hasFailed: true }, intervalMs: 0 }, 'retry'],
    ['no verdict in the status', { status: { ...green, conditions: [] } }, 'verdict'],
    [
      'a red verdict of an earlier process',
      { status: { ...green, conditions: [{ type: 'Ready', status: 'False' }] } },
      'verdict',
    ],
    ['its wave', { causes: ['periodic'] }, 'interval'],
    ['its wave, merged with another cause', { memory: scheduled, causes: ['drift', 'periodic'] }, 'interval'],
    ['a store that reads from somewhere else', { memory: scheduled, causes: ['store'] }, 'interval'],
    ['a wave with interval 0', { causes: ['periodic'], intervalMs: 0 }, undefined],
    ['an event that changed nothing', { memory: scheduled, causes: ['drift'] }, undefined],
    [
      'a start long after the last refresh',
      { status: { ...green, refreshTime: rfc3339(nowMs - 3 * hour) } },
      'interval',
    ],
    [
      'the same once a wave is set',
      { status: { ...green, refreshTime: rfc3339(nowMs - 3 * hour) }, memory: scheduled },
      undefined,
    ],
  ])(
    'names: %s',
    (_, { status = green, memory = fresh, causes = ['created'], isTargetValid = true, intervalMs = hour }, due) => {
      const request = { lane: 1, dueAtMs: nowMs, causes };
      expect(
        whatIsDue(recordOf(status), memory, request, { intervalMs, isTargetValid, heartbeatMs: hour, nowMs }),
      ).toBe(due);
    },
  );

  it.each([
    ['a label', { labels: { a: 'c' } }],
    ['an annotation', { annotations: { 'force-sync': '1' } }],
    ['the generation', { generation: 3 }],
  ])('takes a change of %s for an edit', (_, metadata) => {
    const request = { lane: 1, dueAtMs: nowMs, causes: ['changed'] };
    const due = { intervalMs: hour, isTargetValid: true, heartbeatMs: hour, nowMs };
    expect(whatIsDue(recordOf(green, metadata), scheduled, request, due)).toBe('spec');
  });
});

describe('untilNextWaveMs', () => {
  const intervals = fc.integer({ min: 1_000, max: 30 * 24 * hour });
  const instants = fc.integer({ min: 0, max: 4e12 });

  it('leaves out a wave that follows at once, and is at most a tenth later than one interval', () => {
    fc.assert(
      fc.property(fc.string(), intervals, instants, (phaseKey, intervalMs, at) => {
        const waitMs = untilNextWaveMs(phaseKey, intervalMs, at);
        expect(waitMs).toBeGreaterThan(intervalMs * 0.1);
        expect(waitMs).toBeLessThanOrEqual(intervalMs * 1.1);
      }),
    );
  });

  it('brings an object that refreshed in its wave back in the next one', () => {
    fc.assert(
      fc.property(
        fc.string(),
        intervals,
        instants,
        fc.double({ min: 0, max: 0.8, noNaN: true }),
        (phaseKey, intervalMs, at, lag) => {
          const wave = at + untilNextWaveMs(phaseKey, intervalMs, at);
          const ended = wave + Math.floor(intervalMs * lag);
          expect(ended + untilNextWaveMs(phaseKey, intervalMs, ended)).toBe(wave + intervalMs);
        },
      ),
    );
  });

  it('gives objects of one scope one wave, whenever they were synced', () => {
    fc.assert(
      fc.property(fc.string(), intervals, instants, instants, (phaseKey, intervalMs, one, two) => {
        const apart =
          one + untilNextWaveMs(phaseKey, intervalMs, one) - (two + untilNextWaveMs(phaseKey, intervalMs, two));
        expect(Math.abs(apart % intervalMs)).toBe(0);
      }),
    );
  });
});
