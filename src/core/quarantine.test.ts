import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterDeath, emptyRecord, type RunRecord, readRecord, waitOf, writeRecord } from './quarantine.ts';

/** How many ms the object still waits; 0 when it may run. */
const waitLeftMs = (...[record, object, nowMs]: Parameters<typeof waitOf>) =>
  (waitOf(record, object, nowMs)?.untilMs ?? nowMs) - nowMs;

const hourMs = 3_600_000;
const bomb = { key: 'ExternalSecret/shop/bomb', generation: 3 };
const bystander = { key: 'ExternalSecret/shop/web', generation: 1 };

/** One death after another, some ms apart, with what was running at each. */
const died = (apartMs: number, ...deaths: RunRecord['running'][]) =>
  deaths.reduce((record, running, at) => afterDeath({ suspects: record.suspects, running }, at * apartMs), emptyRecord);

describe('an object that was running when the process died', () => {
  it('may run again after one death', () => {
    expect(waitLeftMs(died(0, [bomb, bystander]), bomb, 0)).toBe(0);
  });

  it('waits after two, for an hour, and others do not', () => {
    const record = died(10_000, [bomb, bystander], [bomb]);
    expect(waitLeftMs(record, bomb, 10_000)).toBe(hourMs);
    expect(waitLeftMs(record, bomb, 10_000 + hourMs - 1)).toBe(1);
    expect(waitLeftMs(record, bomb, 10_000 + hourMs)).toBe(0);
    expect(waitLeftMs(record, bystander, 10_000)).toBe(0);
    expect(waitOf(record, bomb, 20_000)).toEqual({ sinceMs: 10_000, untilMs: 10_000 + hourMs });
  });

  it('is let out by a change, and begins anew', () => {
    const changed = { ...bomb, generation: 4 };
    const record = died(10_000, [bomb], [bomb]);
    expect(waitLeftMs(record, changed, 10_000)).toBe(0);
    expect(waitLeftMs(afterDeath({ ...record, running: [changed] }, 20_000), changed, 20_000)).toBe(0);
  });

  it('is not blamed for two deaths that lie further apart than an hour', () => {
    expect(waitLeftMs(died(hourMs, [bomb], [bomb]), bomb, hourMs)).toBe(0);
  });

  it('waits through a death of which it is innocent, and not longer for it', () => {
    const record = died(10_000, [bomb], [bomb], [bystander]);
    expect(waitLeftMs(record, bomb, 20_000)).toBe(hourMs - 10_000);
  });

  it('does not wait for a clock that was set back', () => {
    expect(waitLeftMs(died(10_000, [bomb], [bomb]), bomb, -1)).toBe(0);
  });
});

describe('the record', () => {
  it('comes back as it was written', () => {
    const object = fc.record({ key: fc.string(), generation: fc.nat() });
    const suspects = fc.array(
      fc.record({ key: fc.string(), generation: fc.nat(), deaths: fc.nat(), seenAtMs: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.record({ running: fc.array(object), suspects }), (record) => {
        expect(readRecord(writeRecord(record))).toEqual(record);
      }),
    );
  });

  it('is empty when what is read is cut off or something else', () => {
    const text = writeRecord({ running: [bomb], suspects: [] });
    for (let at = 0; at < text.length; at++) expect(readRecord(text.slice(0, at))).toEqual(emptyRecord);
    for (const other of ['null', '[]', '{"running":[1,{"key":2}],"suspects":"x"}']) {
      expect(readRecord(other)).toEqual(emptyRecord);
    }
  });

  it('stays bounded, and keeps the youngest', () => {
    const many = Array.from({ length: 5_000 }, (_, at) => ({ key: `k${at}`, generation: 1 }));
    const record = died(1, many, [bomb]);
    expect(record.suspects.length).toBe(1_000);
    expect(record.suspects.at(-1)?.key).toBe(bomb.key);
  });
});
