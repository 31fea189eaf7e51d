import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rfc3339 } from '../../core/sync-status.ts';
import type { ExternalSecretStatus } from '../../crds/external-secret.ts';
import { type ExternalSecretRecord, externalSecretRecord } from '../records.ts';
import {
  type Duty,
  drawOf,
  dutyOf,
  intervalOf,
  isForced,
  isForcedSinceSync,
  type Past,
  type Present,
  periodOf,
  untilNextRefreshMs,
  untilNextWaveMs,
  versionOf,
} from './duty.ts';

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
/** In step, by this process. */
const inStep: Past = { readStores: 's.1', readTexts: 1, failures: 0, nextDueMs: 5_000 };

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

interface Case {
  status?: ExternalSecretStatus;
  past?: Partial<Past>;
  present?: Partial<Present>;
}

function presentIn({ present = {} }: Case, es: ExternalSecretRecord): Present {
  return {
    es,
    policy: 'Periodic',
    periodMs: hour,
    isForced: false,
    isPermitted: true,
    isTargetAsWanted: true,
    hasOrphans: false,
    stores: 's.1',
    texts: 1,
    renewAtMs: undefined,
    nowMs: 4_000,
    wallMs: nowMs,
    isGenerating: false,
    isUntold: false,
    isBeingTold: false,
    ...present,
  };
}

describe('dutyOf', () => {
  const edited = { ...green, syncedResourceVersion: '1-x' };
  const onChange = { policy: 'OnChange', periodMs: 0 } as const;
  const once = { policy: 'CreatedOnce', periodMs: 0 } as const;
  const untold = { isGenerating: true, isUntold: true } as const;

  const dutyIn = ({ status = green, past = {}, present = {} }: Case, metadata: object = {}) =>
    dutyOf(presentIn({ present }, recordOf(status, metadata)), { ...inStep, ...past });

  it.each<[why: string, given: Case, duty: Duty | undefined]>([
    ['nothing', {}, undefined],
    ['a target that is not as it was left', { present: { isTargetAsWanted: false } }, 'target'],
    ['such a target also with interval 0', { present: { isTargetAsWanted: false, periodMs: 0 } }, 'target'],
    ['a Secret under an earlier target name', { present: { hasOrphans: true } }, 'orphan'],
    ['an object that was never synced', { status: {} }, 'spec'],
    ['an object that was edited', { status: { ...green, syncedResourceVersion: '1-x' } }, 'spec'],
    ['an edit with interval 0', { status: edited, present: { periodMs: 0 } }, 'spec'],
    ['an edit under OnChange', { status: edited, present: onChange }, 'spec'],
    ['an edit under CreatedOnce', { status: edited, present: once }, undefined],
    ['an edit outside the sync windows', { status: edited, present: { isPermitted: false } }, 'spec'],
    ['a force-sync under CreatedOnce', { present: { ...once, isForced: true } }, 'forced'],
    ['a target edited by hand under CreatedOnce', { present: { ...once, isTargetAsWanted: false } }, 'target'],
    ['a failure before under CreatedOnce', { past: { failures: 1 }, present: once }, 'retry'],
    ['another store under OnChange', { present: { ...onChange, stores: 's.2' } }, undefined],
    ['another store outside the sync windows', { present: { stores: 's.2', isPermitted: false } }, 'store'],
    ['an object of the template that changed since', { present: { texts: 2 } }, 'texts'],
    ['such a change under OnChange', { present: { ...onChange, texts: 2 } }, undefined],
    ['its wave outside the sync windows', { present: { nowMs: 5_000, isPermitted: false } }, undefined],
    ['a failure before', { past: { failures: 1 } }, 'retry'],
    ['a failure before with interval 0', { past: { failures: 1 }, present: { periodMs: 0 } }, 'retry'],
    [
      'a start while what was generated is not old enough',
      { past: { readStores: undefined }, present: { isGenerating: true } },
      undefined,
    ],
    [
      'a start after what was generated has had its interval',
      { past: { readStores: undefined }, present: { isGenerating: true, wallMs: nowMs - 60_000 + hour } },
      'start',
    ],
    ['a start with values that nobody has told of', { past: { readStores: undefined }, present: untold }, 'untold'],
    ['such values that this process knows of', { present: untold }, undefined],
    ['an edit of what generates', { status: edited, present: { isGenerating: true } }, 'spec'],
    ['no verdict in the status', { status: { ...green, conditions: [] } }, 'verdict'],
    [
      'a red verdict of an earlier process',
      { status: { ...green, conditions: [{ type: 'Ready', status: 'False' }] } },
      'verdict',
    ],
    ['stores that nobody followed since it was green', { past: { readStores: undefined } }, 'start'],
    ['the same with interval 0', { past: { readStores: undefined }, present: { periodMs: 0 } }, undefined],
    ['a store that was edited', { present: { stores: 's.2' } }, 'store'],
    ['a store that is another one by now', { present: { stores: 't.1' } }, 'store'],
    ['a store that is gone', { present: { stores: 'none' } }, 'store'],
    ['a store that was edited, with interval 0', { present: { stores: 's.2', periodMs: 0 } }, 'store'],
    ['its wave', { present: { nowMs: 5_000 } }, 'interval'],
    ['its wave, by a timer that fires a fraction early', { present: { nowMs: 4_999.4 } }, 'interval'],
    ['a wave that was not answered', { present: { nowMs: 9_000 } }, 'interval'],
    ['a wave with interval 0', { present: { nowMs: 5_000, periodMs: 0 } }, undefined],
    ['a certificate of its template that is to be renewed', { present: { renewAtMs: nowMs } }, 'renewal'],
    ['such a certificate with interval 0', { present: { renewAtMs: nowMs, periodMs: 0 } }, 'renewal'],
    ['such a certificate under OnChange', { present: { ...onChange, renewAtMs: nowMs } }, 'renewal'],
    ['such a certificate under CreatedOnce', { present: { ...once, renewAtMs: nowMs } }, undefined],
    ['a certificate whose time has not come', { present: { renewAtMs: nowMs + 1 } }, undefined],
    ['a wave that is not known yet', { past: { nextDueMs: undefined } }, undefined],
  ])('names: %s', (_, given, duty) => {
    expect(dutyIn(given)).toBe(duty);
  });

  it.each([
    ['a label', { labels: { a: 'c' } }],
    ['an annotation', { annotations: { 'force-sync': '1' } }],
    ['the generation', { generation: 3 }],
  ])('takes a change of %s for an edit', (_, metadata) => {
    expect(dutyIn({}, metadata)).toBe('spec');
  });
});

describe('drawOf', () => {
  const untold = { isUntold: true, isGenerating: true };
  const fresh = { readStores: undefined, readTexts: undefined, nextDueMs: undefined };
  const failing = { ...fresh, failures: 2 };
  const edited = { ...green, syncedResourceVersion: '1-x' };

  it.each<[why: string, given: Case, owed: ReturnType<typeof drawOf>]>([
    ['nothing', {}, undefined],
    ['nothing but a Secret under an earlier name', { present: { hasOrphans: true } }, 'sweep'],
    ['a first sync', { status: {}, past: fresh }, 'draw'],
    ['a first sync that was written', { status: {}, past: fresh, present: untold }, 'tell'],
    ['an edit that was written', { status: edited, past: fresh, present: { ...untold, hasOrphans: true } }, 'tell'],
    ['a refresh that was written', { past: fresh, present: { ...untold, wallMs: nowMs + 2 * hour } }, 'tell'],
    [
      'a refresh that nobody has done',
      { past: fresh, present: { wallMs: nowMs + 2 * hour, isGenerating: true } },
      'draw',
    ],
    ['a status that could not be written', { past: failing, present: untold }, 'tell'],
    ['a status that was written, and the answer lost', { past: failing, present: { isBeingTold: true } }, 'tell'],
    ['the same, of stores as they are', { past: { ...failing, asked: 's.1 1' }, present: untold }, 'tell'],
    ['the same, of another store', { past: { ...failing, asked: 's.0 1' }, present: untold }, 'draw'],
    ['the same, of another text', { past: { ...failing, asked: 's.1 0' }, present: untold }, 'draw'],
    ['a target that somebody edited', { past: fresh, present: { ...untold, isTargetAsWanted: false } }, 'draw'],
    ['the end of the interval', { present: { ...untold, nowMs: 5_000 } }, 'draw'],
    ['another store', { present: { ...untold, stores: 's.2' } }, 'draw'],
  ])('finds owed: %s', (_, { status = green, past = {}, present = {} }, owed) => {
    expect(drawOf(presentIn({ present }, recordOf(status)), { ...inStep, ...past })).toBe(owed);
  });
});

describe('isForced', () => {
  const forced = { annotations: { 'force-sync': '2', note: 'n' } };
  it.each<[why: string, on: Record<string, string>, is: boolean]>([
    ['the target shows another one', { 'force-sync': '1', note: 'n' }, true],
    ['the target shows none', { note: 'n' }, true],
    ['the target shows it', { 'force-sync': '2' }, false],
  ])('decides when %s', (_, annotations, is) => {
    expect(isForced(forced, { annotations })).toBe(is);
    expect(isForced({ annotations: { note: 'x' } }, { annotations })).toBe(false);
  });
});

describe('isForcedSinceSync', () => {
  const forced = { 'force-sync': '2' };
  const syncedAs = (annotations: Record<string, string>, generation = 2) =>
    versionOf(recordOf({}, { annotations, generation }));
  it.each<[why: string, annotations: Record<string, string>, synced: string, is: boolean]>([
    ['it came after the last sync', forced, syncedAs({}), true],
    ['another one came after it', forced, syncedAs({ 'force-sync': '1' }), true],
    ['it was served', forced, syncedAs(forced), false],
    ['only the spec was edited since', forced, syncedAs(forced, 1), false],
    ['nothing was ever synced', forced, '', false],
    ['there is none, whatever else was edited', { note: 'x' }, syncedAs({}), false],
  ])('decides when %s', (_, annotations, synced, is) => {
    expect(isForcedSinceSync(recordOf({ syncedResourceVersion: synced }, { annotations }))).toBe(is);
  });
});

describe('untilNextRefreshMs', () => {
  const specWith = (more: object) => {
    const spec = { refreshInterval: '10m', ...more };
    const object = { metadata: { namespace: 'shop', name: 'web' }, spec };
    const record = externalSecretRecord(object);
    if (!('ok' in record.spec)) throw new Error(record.spec.issues.join());
    return record.spec.ok;
  };
  const windows = (kind: string, schedule: string, duration: string) =>
    specWith({ syncWindows: { kind, windows: [{ schedule, duration }] } });

  const next = (more: object = {}) => ({ es: recordOf(green), phaseKey: 'k', isRefreshed: true, nowMs, ...more });

  it('is a whole interval after what was generated, whoever asks and however often', () => {
    const dataFrom = [{ sourceRef: { generatorRef: { kind: 'UUID', name: 'g' } } }];
    expect(untilNextRefreshMs(specWith({ dataFrom }), next())).toBe(600_000);
    expect(untilNextRefreshMs(specWith({ dataFrom }), next({ isRefreshed: false }))).toBe(540_000);
    const long = next({ isRefreshed: false, nowMs: nowMs + hour });
    expect(untilNextRefreshMs(specWith({ dataFrom }), long)).toBe(0);
  });

  it('is the next wave without windows, and inside one that is open', () => {
    const waveMs = untilNextWaveMs('k', 600_000, nowMs);
    expect(untilNextRefreshMs(specWith({}), next())).toBe(waveMs);
    expect(untilNextRefreshMs(windows('allow', '0 12 * * *', '1h'), next())).toBe(waveMs);
  });

  it('waits for the window that opens next, once', () => {
    expect(untilNextRefreshMs(windows('allow', '0 18 * * *', '1h'), next())).toBe(6 * hour);
    expect(untilNextRefreshMs(windows('deny', '0 12 * * *', '2h'), next())).toBe(2 * hour + 1);
    expect(untilNextRefreshMs(windows('allow', '0 0 30 2 *', '1h'), next())).toBeUndefined();
  });
});

describe('periodOf', () => {
  it.each([
    ['Periodic', hour],
    ['OnChange', 0],
    ['CreatedOnce', 0],
  ])('under %s is %s', (refreshPolicy, ms) => {
    const spec = { refreshInterval: '1h', refreshPolicy };
    const object = { metadata: { namespace: 'shop', name: 'web' }, spec };
    const record = externalSecretRecord(object);
    expect('ok' in record.spec && periodOf(record.spec.ok)).toBe(ms);
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
