import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../core/operator-error.ts';
import { failureFields } from './report.ts';

describe('failureFields', () => {
  const es = { targetName: 'shop-db' };

  it('binds a target that is there but may not be updated', () => {
    expect(failureFields(es, new OperatorError('TargetConflict', 'x'))).toEqual({ binding: { name: 'shop-db' } });
  });

  it.each(['SecretNotFound', 'StoreNotFound', 'UpstreamUnavailable', 'TargetRejected'] as const)(
    'leaves the binding as it is after %s',
    (reason) => {
      expect(failureFields(es, new OperatorError(reason, 'x'))).toEqual({});
    },
  );
});
