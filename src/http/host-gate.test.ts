import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { OperatorError } from '../base/operator-error.ts';
import { firstByteMs, HostGate, type Pass, probeIntervalMs, suspectFirstByteMs } from './host-gate.ts';

function setup() {
  const clock = new FakeClock();
  const changes: boolean[] = [];
  const gate = new HostGate(clock, (isUp) => changes.push(isUp));
  return { clock, gate, changes };
}

const unreachable = { kind: 'unreachable', message: 'refused' } as const;
const silent = { kind: 'silent', message: 'no answer' } as const;
const none = { kind: 'none' } as const;

function answer(pass: Pass): void {
  pass.answered();
  pass.done(none);
}

function refusal(gate: HostGate, target = 'any'): OperatorError {
  try {
    gate.enter(target);
  } catch (error) {
    if (error instanceof OperatorError) return error;
    throw error;
  }
  throw new Error('the gate let the request pass');
}

describe('an open gate', () => {
  it('gives the full time to the first byte', () => {
    expect(setup().gate.enter('a').firstByteMs).toBe(firstByteMs);
  });

  it('closes at once when the host cannot be reached, and says what the failure said', () => {
    const { gate, changes } = setup();
    gate.enter('a').done(unreachable);
    expect(refusal(gate)).toMatchObject({
      reason: 'UpstreamUnavailable',
      message: 'refused',
      retryAfterMs: probeIntervalMs,
    });
    expect(changes).toEqual([false]);
  });

  it('stays open when one target is silent, however often', () => {
    const { gate } = setup();
    for (let i = 0; i < 5; i++) gate.enter('slow folder').done(silent);
    expect(gate.enter('other').firstByteMs).toBe(firstByteMs);
  });

  it('has a request sent again beside itself as long as nothing has been answered since another fell silent', () => {
    const { gate } = setup();
    expect(gate.enter('a').againEveryMs).toBeUndefined();
    gate.enter('a').done(silent);
    const pass = gate.enter('b');
    expect([pass.firstByteMs, pass.againEveryMs]).toEqual([firstByteMs, suspectFirstByteMs]);
    answer(pass);
    expect(gate.enter('c').againEveryMs).toBeUndefined();
  });

  it('closes when a second target is silent with no answer between', () => {
    const { gate } = setup();
    gate.enter('a').done(silent);
    gate.enter('b').done(silent);
    expect(refusal(gate).reason).toBe('UpstreamUnavailable');
  });

  it('forgets the first silent target when any request is answered', () => {
    const { gate } = setup();
    gate.enter('a').done(silent);
    answer(gate.enter('c'));
    gate.enter('b').done(silent);
    expect(gate.enter('d').firstByteMs).toBe(firstByteMs);
  });

  it('is short with a silent target until it answers, and patient every tenth time', () => {
    const { gate } = setup();
    gate.enter('slow').done(silent);
    const patience = () => {
      const pass = gate.enter('slow');
      pass.done(silent);
      return [pass.firstByteMs, pass.againEveryMs];
    };
    const short = [suspectFirstByteMs, undefined];
    const tries = Array.from({ length: 11 }, patience);
    expect(tries).toEqual([...Array.from({ length: 9 }, () => short), [firstByteMs, suspectFirstByteMs], short]);
    answer(gate.enter('slow'));
    expect(gate.enter('slow').firstByteMs).toBe(firstByteMs);
  });

  it('learns nothing from a request that was stopped', () => {
    const { gate } = setup();
    gate.enter('a').done(none);
    expect(gate.isPristine).toBe(true);
  });

  it('remembers a bounded number of silent targets', () => {
    const { gate } = setup();
    for (let i = 0; i < 1_500; i++) {
      gate.enter(`folder ${i}`).done(silent);
      answer(gate.enter('healthy'));
    }
    expect(gate.enter('folder 0').firstByteMs).toBe(firstByteMs);
    expect(gate.enter('folder 1499').firstByteMs).toBe(suspectFirstByteMs);
  });
});

describe('a closed gate', () => {
  function closed() {
    const all = setup();
    all.gate.enter('a').done(unreachable);
    return all;
  }

  it('lets one probe pass after the interval, with little time to the first byte', async () => {
    const { clock, gate } = closed();
    await clock.advance(probeIntervalMs - 1);
    expect(refusal(gate).retryAfterMs).toBeGreaterThan(0);
    await clock.advance(1);
    expect(gate.enter('b').firstByteMs).toBe(suspectFirstByteMs);
    expect(refusal(gate, 'c').reason).toBe('UpstreamUnavailable');
  });

  it('opens with an answer to the probe, for everybody', async () => {
    const { clock, gate, changes } = closed();
    await clock.advance(probeIntervalMs);
    gate.enter('b').answered();
    expect(gate.enter('c').firstByteMs).toBe(firstByteMs);
    expect(gate.isPristine).toBe(true);
    expect(changes).toEqual([false, true]);
  });

  it('opens with an answer to a request that was under way when it closed', () => {
    const { gate } = setup();
    const early = gate.enter('early');
    gate.enter('a').done(unreachable);
    answer(early);
    expect(gate.enter('b').firstByteMs).toBe(firstByteMs);
  });

  it('waits for the interval again after a probe that failed quickly, and passes on its message', async () => {
    const { clock, gate } = closed();
    await clock.advance(probeIntervalMs);
    gate.enter('b').done({ kind: 'unreachable', message: 'no route' });
    expect(refusal(gate)).toMatchObject({ message: 'no route', retryAfterMs: probeIntervalMs });
  });

  it('stays closed when the probe is silent', async () => {
    const { clock, gate, changes } = closed();
    await clock.advance(probeIntervalMs);
    const probe = gate.enter('b');
    await clock.advance(suspectFirstByteMs);
    probe.done(silent);
    gate.enter('c').done(none); // the next probe, due at once: the interval counts from start to start
    expect(refusal(gate).reason).toBe('UpstreamUnavailable');
    expect(changes).toEqual([false]);
  });

  it('names the end of the probe that is under way as the time to ask again', async () => {
    const { clock, gate } = closed();
    await clock.advance(probeIntervalMs);
    gate.enter('b');
    await clock.advance(suspectFirstByteMs - 200);
    expect(refusal(gate, 'c').retryAfterMs).toBe(200);
    await clock.advance(200);
    // It is late: it ends any moment.
    expect(refusal(gate, 'c').retryAfterMs).toBe(50);
  });

  it('names no time beyond the next probe while a patient one is under way', async () => {
    const { clock, gate } = closed();
    for (let i = 0; i < 9; i++) {
      await clock.advance(probeIntervalMs);
      gate.enter('b').done(silent);
    }
    await clock.advance(probeIntervalMs);
    gate.enter('b');
    await clock.advance(4_000);
    expect(refusal(gate, 'c').retryAfterMs).toBe(probeIntervalMs);
  });

  it('gives every tenth probe the full time, and sends it again beside itself', async () => {
    const { clock, gate } = closed();
    const times: (number | undefined)[][] = [];
    for (let i = 0; i < 20; i++) {
      await clock.advance(probeIntervalMs);
      const probe = gate.enter('b');
      times.push([probe.firstByteMs, probe.againEveryMs]);
      probe.done(silent);
    }
    const nine = Array.from({ length: 9 }, () => [suspectFirstByteMs, undefined]);
    const patient = [firstByteMs, suspectFirstByteMs];
    expect(times).toEqual([...nine, patient, ...nine, patient]);
  });

  it('lets another probe pass when the first was stopped without a verdict', async () => {
    const { clock, gate } = closed();
    await clock.advance(probeIntervalMs);
    gate.enter('b').done(none);
    await clock.advance(probeIntervalMs);
    expect(gate.enter('c').firstByteMs).toBe(suspectFirstByteMs);
  });
});
