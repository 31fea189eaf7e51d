// What the outcome of one case means: as in ESO, different on purpose, in need of something that is not served yet, or
// wrong. An entry of the tables that does not hold is as wrong as a difference that no entry allows.
import { differences, levelledManager } from './compare.ts';
import { type Later, later, lists, onPurpose, syncedBefore } from './expectations.ts';
import type { CaseLine, OutcomeLine, TargetOutcome } from './lines.ts';

export type Judgement =
  | { readonly kind: 'agrees' }
  | { readonly kind: 'on purpose' }
  | { readonly kind: 'later'; readonly needs: string }
  | { readonly kind: 'wrong'; readonly lines: readonly string[] };

/** `ours` is undefined for a case that was not run, because a kind in it is not served. */
export function judge(laidOut: CaseLine, recorded: OutcomeLine, ours: OutcomeLine | undefined): Judgement {
  const rows = later.filter(({ cases }) => lists(cases, laidOut.id));
  if (ours === undefined) return { kind: 'wrong', lines: ['has a kind whose CRD is not there'] };
  if (rows.length > 0 || refusals(ours).length > 0) return judgeRefused(laidOut, rows, ours);
  return judgeServed(recorded, ours);
}

function judgeServed(recorded: OutcomeLine, ours: OutcomeLine): Judgement {
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

/** The case must be refused for what the table says, and nothing may have happened to its Secrets. */
function judgeRefused(laidOut: CaseLine, rows: readonly Later[], ours: OutcomeLine): Judgement {
  const refused = refusals(ours);
  const fits = ({ refused: pattern }: Later, field: string) => pattern.test(field);
  const isGone = Object.values(ours.es).every(({ exists }) => exists === false);
  const lines = [
    ...refused
      .filter((field) => !rows.some((row) => fits(row, field)))
      .map((field) => `${field} is refused, and the table does not say so`),
    ...rows
      .filter((row) => !isGone && !refused.some((field) => fits(row, field)))
      .map(({ needs }) => `needs ${needs} by the table, but is not refused for it`),
    ...Object.entries(ours.targets).flatMap(([name, target]) => touched(laidOut, name, target)),
  ];
  const [first] = rows;
  if (lines.length > 0 || first === undefined) return { kind: 'wrong', lines: [...lines, ...said(ours)] };
  return { kind: 'later', needs: rows.map(({ needs }) => needs).join(', ') };
}

const refusal = /^(.+) is not supported by this version of Escapement;/;

/** The fields that conditions refuse. */
function refusals({ es }: OutcomeLine): readonly string[] {
  return Object.values(es)
    .filter(({ ready }) => ready === 'False')
    .map(({ message }) => refusal.exec(message ?? '')?.[1])
    .filter((field) => field !== undefined);
}

/** Complaints about a Secret that is not as it was before the refused spec came. */
function touched({ id, objects }: CaseLine, name: string, target: TargetOutcome): readonly string[] {
  const given = objects.find(
    ({ kind, metadata }) => kind === 'Secret' && `${metadata.namespace}/${metadata.name}` === name,
  );
  if (given === undefined) {
    if (target.exists === syncedBefore.has(id)) return [];
    return [`${name}: ${target.exists ? 'was made for' : 'is gone with'} a spec that is refused`];
  }
  const writers = (target.managers ?? []).map(levelledManager);
  const isUntouched = target.exists && writers.every((writer) => writer === 'harness');
  return isUntouched ? [] : [`${name}: touched for a spec that is refused: ${JSON.stringify(target.managers)}`];
}

function said({ es }: OutcomeLine): readonly string[] {
  return Object.entries(es)
    .filter(([, { message }]) => message !== undefined)
    .map(([name, { ready, message }]) => `${name} says: Ready=${ready}: ${message}`);
}
