import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../core/operator-error.ts';
import { failureFields, shadowedMessage } from './report.ts';

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

describe('shadowedMessage', () => {
  it('is none when nothing is hidden', () => {
    expect(shadowedMessage([])).toBeUndefined();
  });

  it('names what is hidden, up to five', () => {
    expect(shadowedMessage(['/a/K', '/b/K'])).toContain('"/a/K", "/b/K";');
    const many = shadowedMessage(Array.from({ length: 7 }, (_, i) => `/f${i}/K`));
    expect(many).toContain('"/f4/K" and 2 more');
    expect(many).not.toContain('/f5/');
  });
});
