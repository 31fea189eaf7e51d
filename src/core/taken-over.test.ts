import { describe, expect, it } from 'vitest';
import type { SecretStoreSpec } from '../crds/secret-store.ts';
import { SecretValue } from './secret-value.ts';
import { refuseLockOut } from './taken-over.ts';

const selector = (key: string, namespace?: string) => ({
  name: 'login',
  key,
  ...(namespace === undefined ? {} : { namespace }),
});

function specWith(namespace?: string): SecretStoreSpec {
  const universalAuthCredentials = {
    clientId: selector('clientId', namespace),
    clientSecret: selector('clientSecret', namespace),
  };
  const secretsScope = { projectSlug: 'p', environmentSlug: 'e' };
  return {
    provider: { infisical: { auth: { universalAuthCredentials }, secretsScope } },
  } as unknown as SecretStoreSpec;
}

/** Whether a write that leaves `keys` in the Secret `login` of namespace `n` is refused. */
function refusal(keys: readonly string[], before: readonly string[], spec = specWith(), name = 'login') {
  const data = new Map(keys.map((key) => [key, new SecretValue('canary')]));
  try {
    refuseLockOut({ namespace: 'n' }, { name, data }, before, [{ kind: 'SecretStore', name: 's', spec }]);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe("a target that holds the credentials of the object's own store", () => {
  const both = ['clientId', 'clientSecret'];

  it('is refused where they would go, naming store and keys, and no value', () => {
    const message = refusal(['other'], both);
    expect(message).toContain('holds the credentials of SecretStore "s", and would lose "clientId", "clientSecret"');
    expect(message).not.toContain('canary');
  });

  it.each<[why: string, after: readonly string[], before: readonly string[], spec?: SecretStoreSpec, name?: string]>([
    ['a rotation that keeps the keys', both, both],
    ['keys that no reference names', both, [...both, 'note']],
    ['keys that are not there now either', ['other'], []],
    ['a Secret of that name in another namespace', ['other'], both, specWith('elsewhere')],
    ['another Secret', ['other'], both, specWith(), 'else'],
  ])('is written: %s', (_, after, before, spec, name) => {
    expect(refusal(after, before, spec, name)).toBe('');
  });

  it('is refused when the reference names the namespace, and when one key of two would go', () => {
    expect(refusal(['clientId'], both, specWith('n'))).toContain('would lose "clientSecret"');
  });
});
