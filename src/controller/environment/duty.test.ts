import { describe, expect, it } from 'vitest';
import type { CheckedEnvironment } from '../../core/environment-check.ts';
import { failureOf, graceLeftMs, type PublishedOnce, publishDuty, publishIntervalOf } from './duty.ts';

const valid: CheckedEnvironment = {
  diagnostics: [],
  errors: 0,
  warnings: 0,
  isIncomplete: false,
  plainSecrets: [],
  imports: [],
  keys: [],
};

describe('failureOf', () => {
  const error = (n: number) => ({ severity: 'error' as const, path: `values.a${n}`, message: `m${n}` });

  it('names the first errors by place and counts the rest, warnings left aside', () => {
    const diagnostics = [1, 2, 3, 4].map(error);
    const failure = failureOf({ ...valid, diagnostics, errors: 6, warnings: 2 });
    expect(failure).toMatchObject({
      reason: 'InvalidSpec',
      message: 'values.a1: m1; values.a2: m2; values.a3: m3; and 3 more',
    });
  });

  it('is a missing reference while something that is named may still come', () => {
    const failure = failureOf({ ...valid, diagnostics: [error(1)], errors: 1, isIncomplete: true });
    expect(failure?.reason).toBe('ReferenceNotFound');
    expect(failureOf({ ...valid, warnings: 3 })).toBeUndefined();
  });
});

describe('graceLeftMs', () => {
  const told = { status: { conditions: [{ type: 'Ready' as const, status: 'True' }] } };

  it.each([
    ['a new one that is incomplete', { status: {} }, true, 400],
    ['a new one that lacks nothing', { status: {} }, false, 0],
    ['one with a verdict', told, true, 0],
  ])('of %s is told', (_, environment, isIncomplete, left) => {
    expect(graceLeftMs(environment, { isIncomplete }, { firstSeenMs: 0, nowMs: 600 })).toBe(left);
  });
});

describe('publishDuty', () => {
  const past: PublishedOnce = { version: 'v', changes: 1, dueAtMs: 1_000 };
  const present = { isWanted: true, version: 'v', changes: 1, areTargetsAsWritten: true, nowMs: 0 };

  it.each([
    ['nothing while all is in step', {}, past, undefined],
    ['nothing where nothing is wanted', { isWanted: false, areTargetsAsWritten: false }, undefined, undefined],
    ['first', {}, undefined, 'first'],
    ['spec', { version: 'w' }, past, 'spec'],
    ['source', { changes: 2 }, past, 'source'],
    ['target', { areTargetsAsWritten: false }, past, 'target'],
    ['due', { nowMs: 1_000 }, past, 'due'],
    ['nothing without an interval', { nowMs: 9e9 }, { ...past, dueAtMs: Number.POSITIVE_INFINITY }, undefined],
  ] as const)('is %s', (_, change, before, duty) => {
    expect(publishDuty({ ...present, ...change }, before)).toBe(duty);
  });
});

describe('publishIntervalOf', () => {
  it.each([
    [undefined, 3_600_000],
    ['0s', 0],
    ['90s', 90_000],
    ['1ms', 1_000],
  ])('reads %j as %d ms', (refreshInterval, ms) => {
    expect(publishIntervalOf(refreshInterval === undefined ? {} : { refreshInterval })).toBe(ms);
  });

  it.each(['soon', '-5m', ''])('refuses %j', (refreshInterval) => {
    expect(() => publishIntervalOf({ refreshInterval })).toThrow(expect.objectContaining({ reason: 'InvalidSpec' }));
  });
});
