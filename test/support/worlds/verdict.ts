// What must be true of a world once nothing happens any more: seconds after the last event, and after two waves.
import { createdByLabel } from '../../../src/core/contract-names.ts';
import { type ModelObject, readyOf } from '../model/kinds.ts';
import { wrongClusterWide } from './cluster-wide.ts';
import { wrongWithEnvironments } from './environments.ts';
import { wrongWithFrozen } from './frozen.ts';
import { wrongWithGenerated } from './generated.ts';
import { decoded, type EsSpec, interval, isMerging, neverFires, sourceKey, specOf } from './specs.ts';
import type { Stage } from './stage.ts';
import { wrongWithTemplated } from './templated.ts';
import { type Truth, truthOf } from './truth.ts';

/** `soon`: of an upstream nobody knows more than was read; `waves`: everything was read again. */
export type When = 'soon' | 'waves';

/** What is to become of the target. */
type Expected =
  | { readonly kind: 'failing'; readonly why: string }
  /** Nothing is written, whatever is there. */
  | { readonly kind: 'untouched' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'written'; readonly values: ReadonlyMap<string, string> };

export function expectedOf({ target }: EsSpec, truth: Truth, exists: boolean): Expected {
  if ('broken' in truth) return { kind: 'failing', why: truth.broken };
  const { creationPolicy: creation, deletionPolicy: deletion } = target;
  const values = new Map([...truth.values].filter((entry): entry is [string, string] => entry[1] !== undefined));
  if (values.size < truth.values.size && deletion === 'Retain') return { kind: 'failing', why: 'a value is gone' };
  if (values.size === 0 && deletion === 'Delete')
    return creation === 'Owner'
      ? { kind: 'absent' }
      : { kind: 'failing', why: 'it may not delete what it does not own' };
  if (creation === 'None' || (creation === 'Merge' && !exists)) return { kind: 'untouched' };
  return { kind: 'written', values };
}

/** Everything that is wrong, a line each. */
export function wrongIn(stage: Stage, when: When): string[] {
  const all = stage.objects.all('ExternalSecret').filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return [
    ...all.flatMap((es) => wrongWith(stage, es, when)),
    ...leftOver(stage, all),
    ...wrongClusterWide(stage),
    ...wrongWithEnvironments(stage),
  ];
}

function wrongWith(stage: Stage, es: ModelObject, when: When): string[] {
  const { name, generation } = es.metadata;
  const ready = readyOf(es);
  if (ready === undefined) return [`${name}: no verdict`];
  if (ready.observedGeneration !== generation)
    return [`${name}: Ready=${ready.status} of generation ${ready.observedGeneration}, not ${generation}`];
  const spec = specOf(es);
  if (spec.dataFrom !== undefined) return wrongWithGenerated(stage, es);
  if (spec.target.template !== undefined) return wrongWithTemplated(stage, es, spec.target.template, when);
  if (spec.target.immutable === true) return wrongWithFrozen(stage, es, when);
  const secret = stage.objects.get('Secret', { namespace: es.metadata.namespace ?? '', name: spec.target.name });
  const truth = truthOf(stage, es);
  const expected = expectedOf(spec, truth, secret !== undefined);
  const { windows } = spec.syncWindows ?? {};
  // Where refreshes wait for a window, one of them comes within two waves, unless the window never opens.
  const isPeriodic = isRefreshed(spec) && !isShut(spec) && (windows === undefined || when === 'waves');
  // Until it reads again, an object speaks of what it has read.
  const mayBeOld = !isPeriodic || (when === 'soon' && !truth.isWatched);
  if (expected.kind === 'failing')
    return ready.status === 'False' || mayBeOld ? [] : [`${name}: Ready=True, and ${expected.why}`];
  if (ready.status !== 'True')
    return mayBeOld && stage.wasWrong && when === 'soon' ? [] : [`${name}: Ready=False: ${ready.message ?? ''}`];
  const problems = mayBeOld ? oldProblems(stage, es, secret) : freshProblems(es, secret, expected, when);
  return problems.map((problem) => `${name}: ${problem}`);
}

/** Whether it reads again within two waves: somebody may have given it a longer interval. */
function isRefreshed({ refreshPolicy, refreshInterval }: EsSpec): boolean {
  return refreshPolicy === 'Periodic' && refreshInterval === interval;
}

function isShut({ syncWindows }: EsSpec): boolean {
  return syncWindows?.windows.some(({ schedule }) => schedule === neverFires) === true;
}

/** Of an object that need not have read lately: what it holds was held by a source once. */
function oldProblems(stage: Stage, es: ModelObject, secret: ModelObject | undefined): string[] {
  const { target, data = [], refreshPolicy } = specOf(es);
  // Under None it is somebody else's; under Orphan, as in ESO, what becomes of it is looked at by the next wave only.
  if (target.creationPolicy === 'None' || target.creationPolicy === 'Orphan') return [];
  const isSure = target.creationPolicy === 'Owner' && target.deletionPolicy === 'Retain';
  if (secret === undefined) return isSure ? ['Ready=True without a Secret'] : [];
  const wrong = Object.entries(secret.data ?? {}).filter(([key, text]) => {
    const isOurs = data.some(({ secretKey }) => secretKey === key);
    return isOurs && stage.issued.get(sourceKey(key))?.has(decoded(text)) !== true;
  });
  const lost =
    isSure && refreshPolicy !== 'CreatedOnce'
      ? data.filter(({ secretKey }) => secret.data?.[secretKey] === undefined)
      : [];
  return [
    ...wrong.map(([key, text]) => `${key} is ${decoded(text)}, which no source ever held`),
    ...lost.map(({ secretKey }) => `${secretKey} is not there`),
    ...(isSure ? ownerProblems(es, secret) : []),
  ];
}

function freshProblems(es: ModelObject, secret: ModelObject | undefined, expected: Expected, when: When): string[] {
  const spec = specOf(es);
  const { creationPolicy } = spec.target;
  const isOwned = secret?.metadata.ownerReferences?.some(({ uid }) => uid === es.metadata.uid) === true;
  if (expected.kind === 'absent') return isOwned ? ['its Secret is there still'] : [];
  if (expected.kind !== 'written') return [];
  if (secret === undefined)
    return creationPolicy === 'Orphan' && when === 'soon' ? [] : ['Ready=True without a Secret'];
  // A Secret that nobody has labelled is seen at the next wave.
  if (creationPolicy === 'Merge' && when === 'soon' && readyOf(es)?.reason === 'SecretMissing') return [];
  const problems = [...expected.values]
    .filter(([key, value]) => decoded(secret.data?.[key]) !== value)
    .map(([key, value]) => `${key} is ${decoded(secret.data?.[key])}, not ${value}`);
  const extra = Object.keys(secret.data ?? {}).filter((key) => !expected.values.has(key));
  if (!isMerging(spec) && extra.length > 0) problems.push(`keys ${extra.join()} do not belong there`);
  if (creationPolicy === 'Owner') problems.push(...ownerProblems(es, secret));
  else if (isOwned) problems.push('it owns its Secret');
  return problems;
}

function ownerProblems(es: ModelObject, secret: ModelObject): string[] {
  const { metadata } = secret;
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const tier = es.metadata.labels?.['tier'];
  return [
    ...(owner?.uid === es.metadata.uid ? [] : ['it does not own its Secret']),
    ...(specOf(es).refreshPolicy === 'CreatedOnce' || metadata.labels?.['tier'] === tier
      ? []
      : [`label ${metadata.labels?.['tier']}, not ${tier}`]),
  ];
}

/** Secrets whose owner is gone, or has another target by now. */
function leftOver({ objects }: Stage, all: readonly ModelObject[]): string[] {
  return objects.all('Secret').flatMap(({ metadata }) => {
    const owners = metadata.ownerReferences ?? [];
    if (!owners.some(({ kind }) => kind === 'ExternalSecret')) return [];
    const owner = all.find(({ metadata: { uid } }) => owners.some((one) => one.uid === uid));
    if (owner === undefined) return [`Secret ${metadata.name} belongs to nobody`];
    const { target } = specOf(owner);
    const isSwept = target.creationPolicy === 'Owner' && readyOf(owner)?.status === 'True';
    const isOrphan = target.name !== metadata.name && metadata.labels?.[createdByLabel] !== undefined;
    return isSwept && isOrphan ? [`Secret ${metadata.name} was left behind by ${owner.metadata.name}`] : [];
  });
}
