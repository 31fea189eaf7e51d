// The providers that are served, by the name of their block below `spec.provider`. Others belong to somebody else.
import type { FakeSpec } from '../crds/fake.ts';
import type { InfisicalSpec } from '../crds/infisical.ts';
import type { Provider } from './contract.ts';

/** One line per provider: a name, and what its block holds. */
interface Served {
  readonly infisical: Provider<InfisicalSpec>;
  readonly fake: Provider<FakeSpec>;
}

/** A provider by the name of its block. What it is given must have passed the schema of that name. */
export type ProviderByName = (name: string) => Provider<unknown> | undefined;

export function createRegistry(served: Served): ProviderByName {
  const byName = new Map<string, Provider<unknown>>(Object.entries(served));
  return (name) => byName.get(name);
}
