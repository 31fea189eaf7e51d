// What may not have happened at any time in a world, judged by the history of its objects and the calls for them.
import { keyOf, type ObjectName } from '../../../src/kube/types.ts';
import { type ModelObject, readyOf } from '../model/kinds.ts';
import type { Moment } from '../model/objects.ts';
import { childName } from './cluster-wide.ts';
import { thawed } from './frozen.ts';
import { needlessPasswords } from './generated.ts';
import { decoded, foreignKey, guest, home, names, shared, sourceKey, specOf } from './specs.ts';
import type { Stage } from './stage.ts';

/** What was there so long before a deed counts: the run had read it by then. */
const lagMs = 15_000;
/** Calls for one object in one second at most: a run makes three, and no more than some runs can be due. */
const callsPerSecondMax = 20;
const readsPerSecondMax = 12;

const operatorsPrefix = 'externalsecrets.external-secrets.io/';

export function faultsIn(stage: Stage): string[] {
  const at = (name: string) => ({ namespace: home, name });
  const children = [home, guest].map((namespace) => ({ namespace, name: childName }));
  const targets = [...names.flatMap((name) => [name, `${name}-2`]), shared].map(at);
  return [
    ...stage.cluster.faults,
    ...[...targets, ...children].flatMap((name) => targetFaults(stage, name)),
    ...[...names.map(at), ...children].flatMap((name) => falseReady(stage, name)),
    ...needlessPasswords(stage),
    ...thawed(stage),
    ...storms(stage),
  ];
}

function targetFaults(stage: Stage, name: ObjectName): string[] {
  const found: string[] = [];
  let before: ModelObject | undefined;
  for (const moment of stage.objects.history('Secret', name)) {
    const isOurs = moment.by.startsWith(operatorsPrefix) || moment.by.startsWith('operator-');
    if (isOurs && moment.object !== undefined)
      found.push(...foreignValues(stage, moment), ...lostKeys(stage, before, moment));
    if (isOurs && moment.object === undefined && before !== undefined)
      found.push(...wrongDeletion(stage, before, moment));
    before = moment.object;
  }
  return found;
}

/** Values that no source of their name ever held. */
function foreignValues(stage: Stage, { object, by }: Moment): string[] {
  const { data = {}, metadata } = object ?? { metadata: { name: '' } };
  const owned = ownedBy(object, by);
  return Object.entries(data)
    .filter(([key, text]) => owned.has(key) && stage.issued.get(sourceKey(key))?.has(decoded(text)) !== true)
    .map(
      ([key, text]) =>
        `Secret ${metadata.name}: ${key} was ${JSON.stringify(decoded(text))}, which no source ever held`,
    );
}

function ownedBy(object: ModelObject | undefined, manager: string): Set<string> {
  const entry = object?.metadata.managedFields?.find((one) => one.manager === manager);
  const fields = (entry?.fieldsV1 as { readonly 'f:data'?: object } | undefined)?.['f:data'] ?? {}; // as the model writes it
  return new Set(Object.keys(fields).map((field) => field.slice(2)));
}

/** Keys that a write of ours took out, although who wrote still wants them and no source had lost them. */
function lostKeys(stage: Stage, before: ModelObject | undefined, { object, by, atMs }: Moment): string[] {
  if (before === undefined) return [];
  const writer = by.slice(operatorsPrefix.length);
  const lost = Object.keys(before.data ?? {}).filter((key) => object?.data?.[key] === undefined);
  return lost
    .filter((key) => !mayGo(stage, writer, before, key, atMs))
    .map((key) => `Secret ${before.metadata.name}: ${writer} took out ${key}, which no source had lost`);
}

function mayGo(stage: Stage, writer: string, { metadata }: ModelObject, key: string, atMs: number): boolean {
  if (key === foreignKey) return false;
  const specs = lately(stage.objects.history('ExternalSecret', { ...metadata, name: writer }), atMs).map(specOf);
  const wanting = specs.filter(
    ({ target, data = [] }) => target.name === metadata.name && data.some(({ secretKey }) => secretKey === key),
  );
  return wanting.length < specs.length || stage.cluster.upstream.wasLost(sourceKey(key));
}

/** A Secret that we deleted although it was the target of one whose sources had lost nothing. */
function wrongDeletion(stage: Stage, { metadata }: ModelObject, { atMs }: Moment): string[] {
  const owner = metadata.ownerReferences?.[0]?.name ?? '';
  const specs = lately(stage.objects.history('ExternalSecret', { ...metadata, name: owner }), atMs).map(specOf);
  const mayGo =
    specs.some(({ target }) => target.name !== metadata.name) ||
    specs.some(
      ({ target, data = [] }) =>
        target.deletionPolicy === 'Delete' &&
        data.every(({ remoteRef }) => stage.cluster.upstream.wasLost(remoteRef.key)),
    );
  return mayGo ? [] : [`Secret ${metadata.name} was deleted, and no source had lost its values`];
}

/** The states that an object had not long before. */
function lately(moments: readonly Moment[], atMs: number): ModelObject[] {
  return moments.flatMap(({ object, atMs: fromMs }, i) => {
    const untilMs = moments[i + 1]?.atMs ?? Number.POSITIVE_INFINITY;
    return object !== undefined && fromMs <= atMs && untilMs >= atMs - lagMs ? [object] : [];
  });
}

/** Ready=True, newly written for a generation, when its Secret had not been there with all its keys. */
function falseReady(stage: Stage, name: ObjectName): string[] {
  const found: string[] = [];
  let before = '';
  for (const { object, atMs } of stage.objects.history('ExternalSecret', name)) {
    const ready = readyOf(object);
    const said = ready?.status === 'True' ? `${object?.metadata.uid}/${ready.observedGeneration}` : '';
    const isNew = said !== '' && said !== before && ready?.observedGeneration === object?.metadata.generation;
    if (isNew && object !== undefined && isFalse(stage, object, atMs))
      found.push(`${keyOf(name)}: Ready=True of generation ${object.metadata.generation} without its Secret`);
    before = said;
  }
  return found;
}

function isFalse(stage: Stage, es: ModelObject, atMs: number): boolean {
  const { target, data = [], refreshPolicy } = specOf(es);
  const { creationPolicy, deletionPolicy, name } = target;
  const { namespace = '' } = es.metadata;
  const isSure =
    refreshPolicy !== 'CreatedOnce' && deletionPolicy === 'Retain' && readyOf(es)?.reason === 'SecretSynced';
  if (!isSure || creationPolicy === 'None' || creationPolicy === 'Orphan') return false;
  const seen = lately(stage.objects.history('Secret', { namespace, name }), atMs);
  return !seen.some((secret) => data.every(({ secretKey }) => secret.data?.[secretKey] !== undefined));
}

/** Seconds in which one object cost more calls, or one scope more reads, than any number of runs should. */
function storms({ cluster: { api, upstream } }: Stage): string[] {
  const calls = api.calls.map(({ kind, key, atMs }) => ({ id: `${kind} ${key}`, atMs }));
  const reads = upstream.reads.map(({ scope, atMs }) => ({ id: `scope ${scope}`, atMs }));
  return [...tooMany(calls, callsPerSecondMax), ...tooMany(reads, readsPerSecondMax)];
}

function tooMany(deeds: readonly { readonly id: string; readonly atMs: number }[], most: number): string[] {
  const counts = new Map<string, number>();
  for (const { id, atMs } of deeds) {
    const second = `${id} in second ${Math.floor(atMs / 1_000)}`;
    counts.set(second, (counts.get(second) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > most).map(([second, count]) => `${count} calls for ${second}`);
}
