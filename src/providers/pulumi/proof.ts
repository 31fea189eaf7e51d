// Whether an environment that was opened before would give the same again: its definition and those of its imports are asked,
// which costs little, mints nothing and is not counted as an open. Their marks together are the proof.
import type { Outcome } from '../shared/outcome.ts';
import type { EnvironmentScope } from './api.ts';
import type { Definition } from './definition.ts';

/** The definition of an environment, asked for at or after an instant (monotonic ms). */
export type AskDefinition = (scope: EnvironmentScope, notBeforeMs: number) => Promise<Outcome<Definition>>;

/** A definition that proved nothing is looked at again after this, unless the validation of a store does so before. */
const lookAgainMs = 6 * 3_600_000;

/** Definitions that one proof asks at most: more cost more than the open that they spare. */
const mostDefinitions = 8;

/**
 * A text that is equal as long as opens give equal values; undefined when that cannot be told. Asks only where what was
 * known of the definition lately says that there is something to prove. Throws what asking throws, refusals apart.
 */
export async function proofOf(
  scope: EnvironmentScope,
  ask: AskDefinition,
  notBeforeMs: number,
): Promise<string | undefined> {
  const known = await walk(scope, (one) => ask(one, notBeforeMs - lookAgainMs));
  if (known === undefined) return undefined;
  // All at once, from what is known; an edit since then may lead elsewhere, which the second walk sees.
  await Promise.all(known.map(({ scope: one }) => ask(one, notBeforeMs)));
  const fresh = await walk(scope, (one) => ask(one, notBeforeMs));
  return fresh && JSON.stringify(fresh.map(({ mark }) => mark));
}

interface Seen {
  readonly scope: EnvironmentScope;
  readonly mark: string;
}

/** The environment and all that it imports, in a fixed order; undefined when one of them proves nothing. */
async function walk(
  root: EnvironmentScope,
  ask: (scope: EnvironmentScope) => Promise<Outcome<Definition>>,
): Promise<readonly Seen[] | undefined> {
  const seen: Seen[] = [];
  const left = [root];
  for (let scope = left.shift(); scope !== undefined; scope = left.shift()) {
    // A tag may be moved away and back between the look and the open.
    if (seen.length === mostDefinitions || !/^\d*$/.test(scope.version ?? '')) return undefined;
    const outcome = await ask(scope);
    if (!('value' in outcome) || outcome.value.imports === undefined) return undefined;
    const { mark, imports } = outcome.value;
    seen.push({ scope, mark });
    const { organization } = scope;
    left.push(...imports.map((one) => ({ organization, ...one })));
  }
  return seen;
}
