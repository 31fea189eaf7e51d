import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { OperatorError } from '../base/operator-error.ts';
import { refusalError } from '../kube/api-error.ts';
import { serializeError, textLine } from './logger.ts';

const canary = 'canary-91c2';

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (thrown) {
    return thrown;
  }
}

describe('textLine', () => {
  it('is a line that people read, whatever the fields hold', () => {
    const fields = {
      kind: 'ExternalSecret',
      name: 'web',
      attempt: 1,
      detail: 'two words\nand a line',
      err: { type: 'E' },
    };
    expect(textLine(JSON.stringify({ level: 40, time: Date.UTC(2026, 4, 1, 12), ...fields, msg: 'sync failed' }))).toBe(
      '2026-05-01T12:00:00.000Z WARN  sync failed kind=ExternalSecret name=web attempt=1 detail="two words\\nand a line" err={"type":"E"}\n',
    );
  });
});

describe('serializeError', () => {
  it('shows reason and message of our own errors, without a stack for what is expected', () => {
    expect(serializeError(new OperatorError('StoreNotFound', 'SecretStore "s" does not exist'))).toEqual({
      type: 'OperatorError',
      reason: 'StoreNotFound',
      message: 'SecretStore "s" does not exist',
    });
  });

  it('shows reason and message of a refusal by the API server, whose class is one of ours', () => {
    const refused = refusalError({ verb: 'update', plural: 'things', key: 'ns/a' }, { status: 409, body: '' });
    expect(serializeError(refused)).toEqual({
      type: 'ApiError',
      reason: 'Conflict',
      message: 'update things "ns/a": it has changed since it was read',
    });
    expect(serializeError(new OperatorError('Aborted', 'x', { cause: refused })).cause?.reason).toBe('Conflict');
  });

  it('takes no error for ours by its name', () => {
    const posing = Object.assign(new Error(canary), { name: 'OperatorError', reason: 'Internal' });
    expect(JSON.stringify(serializeError(posing))).not.toContain(canary);
  });

  it('shows where a fault of ours comes from', () => {
    expect(serializeError(new OperatorError('Internal', 'x')).stack).toContain('logger.test');
    expect(serializeError(new TypeError('x')).stack).toContain('logger.test');
  });

  it.each<[why: string, thrown: unknown]>([
    ['in its message', new Error(`body was ${canary}`)],
    [
      'in a message of many lines that look like a stack',
      new Error(`bad yaml:\n    at ${canary}\n    at ${canary}:1:2`),
    ],
    [
      'in fields that an HTTP client adds',
      Object.assign(new Error('x'), { options: { headers: { authorization: canary } }, response: { body: canary } }),
    ],
    ['in the message of a cause', new OperatorError('UpstreamUnavailable', 'down', { cause: new Error(canary) })],
    ['in the message of an error with a reason of its own', Object.assign(new Error(canary), { reason: 'unexpected' })],
    [
      'in its message, which was changed after it was made',
      Object.assign(new Error(`a\n    at ${canary}`), { message: 'other' }),
    ],
    ['as a thrown string', canary],
    ['as a thrown object', { reason: 'Internal', message: canary }],
  ])('does not carry out what a foreign error holds %s', (_, thrown) => {
    expect(JSON.stringify(serializeError(thrown))).not.toContain(canary);
  });

  it('keeps the code of a foreign error, and no reason of a library', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect(serializeError(refused)).toMatchObject({ type: 'Error', code: 'ECONNREFUSED' });
    const openssl = serializeError(thrownBy(() => createPublicKey('no key')));
    expect(openssl.code).toBeTypeOf('string');
    expect(openssl.reason).toBeUndefined();
  });

  it('follows causes, to a depth', () => {
    const twice = new OperatorError('Conflict', 'inner').within('outer');
    expect(serializeError(twice).cause?.message).toBe('inner');
    const circular = new Error('a');
    circular.cause = circular;
    expect(JSON.stringify(serializeError(circular)).match(/"type"/g)).toHaveLength(5);
  });
});
