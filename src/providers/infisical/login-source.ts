// Where a store's login comes from, for the message of a refusal: the block in the manifest, and the objects that its
// material was read from. Sessions and fetches are shared by stores with equal material, so this is said on each store's
// own way out, and no store reads of another's objects.
import type { Credentials } from '../../auth/contract.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { StoreReader } from '../contract.ts';

export interface LoginSource {
  /** The port that was given, which now notes what is read. */
  readonly credentials: Credentials;
  /** `Secret "shop/login" (clientId, clientSecret)`; '' when nothing was read. */
  describe(): string;
}

/** `namespace` is the one that a reference without a namespace means; undefined where only the user decides it. */
export function noteLoginSource(credentials: Credentials, namespace: string | undefined): LoginSource {
  const keys = new Map<string, string[]>();
  const named = (kind: string, reference: { readonly name?: string; readonly namespace?: string }): string => {
    const place = reference.namespace || namespace;
    return `${kind} "${place === undefined ? '' : `${place}/`}${reference.name ?? ''}"`;
  };
  return {
    credentials: {
      secretKey(selector, field, signal) {
        const secret = named('Secret', selector);
        keys.set(secret, [...(keys.get(secret) ?? []), selector.key ?? '']);
        return credentials.secretKey(selector, field, signal);
      },
      serviceAccount(selector, field, signal) {
        keys.set(named('ServiceAccount', selector), []);
        return credentials.serviceAccount(selector, field, signal);
      },
      ambient: (host, field) => credentials.ambient(host, field),
    },
    describe() {
      const list = (names: readonly string[]) => (names.length === 0 ? '' : ` (${[...new Set(names)].join(', ')})`);
      return [...keys].map(([object, names]) => `${object}${list(names)}`).join(' and ');
    },
  };
}

/** The reader, whose refused logins begin with `field` and where its material stands. */
export function withLoginSource(reader: StoreReader, field: string, source: string): StoreReader {
  const context = source === '' ? field : `${field}, from ${source}`;
  const named = (error: OperatorError) => (error.reason === 'LoginRejected' ? error.within(context) : error);
  const naming = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (error) {
      throw error instanceof OperatorError ? named(error) : error;
    }
  };
  return {
    ...reader,
    async read(requests, freshness, signal) {
      const results = await naming(reader.read(requests, freshness, signal));
      return results.map((result) => ('error' in result ? { error: named(result.error) } : result));
    },
    validate: (freshness, signal) => naming(reader.validate(freshness, signal)),
  };
}
