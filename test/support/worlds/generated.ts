// The ExternalSecret of worlds that takes its value from a generator, and the generator. A value that was generated is one
// only until it is generated anew, so it must change with a refresh and at no other time.
import { syncedResourceVersion } from '../../../src/core/object-hash.ts';
import { type ModelObject, readyOf } from '../model/kinds.ts';
import type { Moment } from '../model/objects.ts';
import { decoded, home, specOf } from './specs.ts';
import type { Stage } from './stage.ts';

export const generatedName = { namespace: home, name: 'g' };
const generatorName = 'pw';
const passwordLength = 24;

export const generatorKinds = ['Password', 'ClusterGenerator'] as const;
type GeneratorKind = (typeof generatorKinds)[number];
export const generatedCreations = ['Owner', 'Owner', 'CreateOrMerge', 'Orphan'] as const;

export function generator(kind: GeneratorKind = 'Password'): ModelObject {
  const password = { length: passwordLength };
  if (kind === 'Password') return { kind, metadata: { namespace: home, name: generatorName }, spec: password };
  const spec = { kind: 'Password', generator: { passwordSpec: password } };
  return { kind, metadata: { name: generatorName }, spec };
}

/** Its interval is longer than any world. */
export function generatedSecret(
  kind: GeneratorKind = 'Password',
  creationPolicy: (typeof generatedCreations)[number] = 'Owner',
): ModelObject {
  const apiVersion = 'generators.external-secrets.io/v1alpha1';
  const generatorRef = { apiVersion, kind, name: generatorName };
  const spec = {
    refreshInterval: '24h',
    refreshPolicy: 'Periodic',
    target: { name: generatedName.name, creationPolicy, deletionPolicy: 'Retain' },
    dataFrom: [{ sourceRef: { generatorRef } }],
  };
  return { kind: 'ExternalSecret', metadata: generatedName, spec };
}

export function wrongWithGenerated({ objects }: Stage, es: ModelObject): string[] {
  const { name } = es.metadata;
  const ready = readyOf(es);
  const { target, dataFrom = [] } = specOf(es);
  const [{ sourceRef }] = dataFrom as [{ sourceRef: { generatorRef: { kind: GeneratorKind } } }]; // as above
  const hasGenerator = objects.get(sourceRef.generatorRef.kind, generator(sourceRef.generatorRef.kind).metadata);
  if (ready?.status !== 'True')
    return hasGenerator !== undefined ? [`${name}: not Ready: ${ready?.message ?? 'no verdict'}`] : [];
  const secret = objects.get('Secret', generatedName);
  // What becomes of one that is left to itself is looked at by the next wave only.
  if (target.creationPolicy === 'Orphan') return [];
  const isOwned = secret?.metadata.ownerReferences?.some(({ uid }) => uid === es.metadata.uid) === true;
  const isWhole = decoded(secret?.data?.['password']).length === passwordLength;
  return isOwned === (target.creationPolicy === 'Owner') && isWhole ? [] : [`${name}: Ready=True without its Secret`];
}

/** Until a run that has read the object has written its Secret. */
const runMs = 3_000;

/** Passwords that changed though nobody had asked for it: no edit, no other object of the name, no hand on the Secret. */
export function needlessPasswords({ objects, touches }: Stage): string[] {
  const found: string[] = [];
  const externalSecrets = objects.history('ExternalSecret', generatedName);
  let last: { readonly password: string; readonly atMs: number } | undefined;
  for (const { object, atMs, by } of objects.history('Secret', generatedName)) {
    const password = object?.data?.['password'];
    if (password === undefined || by === 'kubectl') continue;
    const since = last?.atMs ?? 0;
    const isTouched = touches.some(({ key, atMs: touchedMs }) => key === `${home}/g` && touchedMs >= since);
    const isEdited = new Set(during(externalSecrets, since - runMs, atMs).map(askedBy)).size > 1;
    if (last !== undefined && last.password !== password && !isTouched && !isEdited)
      found.push(`the password of ${generatedName.name} changed at ${atMs}, though nobody had asked for it`);
    last = { password, atMs };
  }
  return found;
}

function during(moments: readonly Moment[], fromMs: number, untilMs: number): (ModelObject | undefined)[] {
  return moments
    .filter(({ atMs }, i) => atMs <= untilMs && (moments[i + 1]?.atMs ?? Number.POSITIVE_INFINITY) >= fromMs)
    .map(({ object }) => object);
}

/** What an edit of the object changes. */
function askedBy(es: ModelObject | undefined): string {
  const { uid, generation = 0, labels = {}, annotations = {} } = es?.metadata ?? {};
  return `${uid} ${syncedResourceVersion(generation, { annotations, labels })}`;
}
