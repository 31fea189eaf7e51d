// The providers by the name of their block below `spec.provider`, typed by the schema: a block that is added there needs its
// line here, or the build fails. Blocks that the schema does not know belong to somebody else.
import type { ProviderSpecs } from '../crds/secret-store.ts';
import type { Provider } from './contract.ts';

/** One line per block of the schema; `undefined` where the schema is ahead of the reading, and stores are refused. */
export type ProviderTable = { readonly [P in keyof ProviderSpecs]: Provider<ProviderSpecs[P]> | undefined };

/** A provider by the name of its block. What it is given must have passed the schema of that name. */
export type ProviderByName = (name: string) => Provider<unknown> | undefined;

export function providersByName(table: ProviderTable): ProviderByName {
  const byName = new Map<string, Provider<unknown> | undefined>(Object.entries(table));
  return (name) => byName.get(name);
}
