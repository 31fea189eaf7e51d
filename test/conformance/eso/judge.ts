// What the outcome of one case means: as in ESO, different on purpose, or wrong. An entry of the table that does not hold is
// as wrong as a difference that no entry allows.
import { differences } from './compare.ts';
import { lists, onPurpose } from './expectations.ts';
import type { OutcomeLine } from './lines.ts';

export type Judgement =
  | { readonly kind: 'agrees' }
  | { readonly kind: 'on purpose' }
  | { readonly kind: 'wrong'; readonly lines: readonly string[] };

/** `ours` is undefined for a case that was not run, because a kind in it is not served. */
export function judge(recorded: OutcomeLine, ours: OutcomeLine | undefined): Judgement {
  if (ours === undefined) return { kind: 'wrong', lines: ['has a kind whose CRD is not there'] };
  const row = onPurpose.find(({ cases }) => lists(cases, recorded.id));
  const found = differences(recorded, ours);
  const lines = found
    .filter(({ aspect }) => row?.aspects.includes(aspect) !== true)
    .map(({ aspect, at, recorded: then, ours: now }) => `${aspect}: ${at}: in ESO ${then}, here ${now}`);
  for (const aspect of row?.aspects ?? []) {
    if (found.some((one) => one.aspect === aspect)) continue;
    lines.push(`${aspect}: the table says that it differs on purpose, but it does not`);
  }
  if (lines.length > 0) return { kind: 'wrong', lines: [...lines, ...said(ours)] };
  return { kind: row === undefined ? 'agrees' : 'on purpose' };
}

function said({ es }: OutcomeLine): readonly string[] {
  return Object.entries(es)
    .filter(([, { message }]) => message !== undefined)
    .map(([name, { ready, message }]) => `${name} says: Ready=${ready}: ${message}`);
}
