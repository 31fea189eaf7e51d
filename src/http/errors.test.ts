import { describe, expect, it } from 'vitest';
import { OperatorError } from '../base/operator-error.ts';
import { type Phase, timedOut, translateFailure, type Where } from './errors.ts';

function where(phase: Phase, isReused = false): Where {
  return { host: 'app.example:8443', proxy: undefined, phase, isReused };
}

/** As got hands it over: its own error around Node's. */
function failure(code: string, message = `${code} 10.0.0.1:443`): Error {
  const cause = Object.assign(new Error(message), { code });
  return Object.assign(new Error(`request failed: Bearer canary https://app.example/?token=canary`, { cause }), {
    name: 'RequestError',
    code,
    options: { headers: { authorization: 'Bearer canary' } },
  });
}

describe('translateFailure', () => {
  it.each([
    ['ENOTFOUND', 'connecting', 'unreachable', false],
    ['EAI_AGAIN', 'connecting', 'unreachable', false],
    ['ECONNREFUSED', 'connecting', 'unreachable', false],
    ['ECONNRESET', 'connecting', 'unreachable', true],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'connecting', 'unreachable', false],
    ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'connecting', 'unreachable', false],
    ['ECONNRESET', 'waiting', 'unreachable', true],
    ['EPIPE', 'waiting', 'unreachable', true],
    ['HPE_INVALID_CONSTANT', 'waiting', 'none', false],
    ['ECONNRESET', 'reading', 'none', true],
    ['ERR_HTTP_CONTENT_LENGTH_MISMATCH', 'reading', 'none', true],
    ['Z_DATA_ERROR', 'reading', 'none', false],
    ['E_SOMETHING_NEW', 'reading', 'none', false],
  ] as const)('finds %s while %s: host %s, worth another try %s', (code, phase, verdict, isRetryable) => {
    const result = translateFailure(failure(code), where(phase));
    expect(result).toMatchObject({ verdict, isRetryable, error: { reason: 'UpstreamUnavailable' } });
    expect(result.error.message).toContain('"app.example:8443"');
    expect(result.error.message).toContain(code);
  });

  it('does not blame the host for a connection that it closed while idle', () => {
    const result = translateFailure(failure('ECONNRESET'), where('waiting', true));
    expect(result).toMatchObject({ verdict: 'none', isRetryable: true });
  });

  it.each(['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'])(
    'says for %s how to trust it',
    (code) => {
      expect(translateFailure(failure(code), where('connecting')).error.message).toMatch(/caBundle.*caProvider/);
    },
  );

  it('lets nothing of the request or the address through', () => {
    const { error } = translateFailure(failure('ECONNREFUSED'), where('connecting'));
    expect(`${error.message} ${JSON.stringify(error)} ${String(error.cause)}`).not.toMatch(/canary|10\.0\.0\.1/);
    expect(error.cause).toBeUndefined();
  });

  it('reads the code of several addresses that all failed', () => {
    const all = Object.assign(new AggregateError([failure('ECONNREFUSED')], ''), { code: 'ECONNREFUSED' });
    expect(translateFailure(all, where('connecting')).error.message).toContain('refused');
  });

  it('passes on what our own policy threw inside the connection', () => {
    const ours = new OperatorError('HostDenied', 'denied');
    const wrapped = new Error('wrapped', { cause: ours });
    expect(translateFailure(wrapped, where('connecting'))).toEqual({
      error: ours,
      verdict: 'none',
      isRetryable: false,
    });
  });

  it('takes what has no code for a fault of ours', () => {
    const { error, verdict } = translateFailure(new TypeError('x is not a function: canary'), where('waiting'));
    expect([error.reason, verdict]).toEqual(['Internal', 'none']);
    expect(error.message).not.toContain('canary');
  });

  it('ends with a cause that is its own cause', () => {
    const error = failure('ECONNREFUSED');
    error.cause = error;
    expect(translateFailure(error, where('connecting')).verdict).toBe('unreachable');
  });
});

describe('timedOut', () => {
  it.each([
    ['connect', 'unreachable'],
    ['first byte', 'silent'],
    ['whole', 'none'],
  ] as const)('%s means that the host is %s', (deadline, verdict) => {
    expect(timedOut(deadline, where('waiting'))).toMatchObject({ verdict, error: { reason: 'UpstreamUnavailable' } });
  });
});
