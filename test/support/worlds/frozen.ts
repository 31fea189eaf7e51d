// The ExternalSecret of worlds whose target is immutable: what was written once stays, whatever its sources hold by now.
import { type ModelObject, readyOf } from '../model/kinds.ts';
import { decoded, home, interval, keys } from './specs.ts';
import type { Stage } from './stage.ts';
import { truthOf } from './truth.ts';
import type { When } from './verdict.ts';

export const frozenName = { namespace: home, name: 'f' };

export function frozenSecret(wanted: readonly string[]): ModelObject {
  const spec = {
    refreshInterval: interval,
    refreshPolicy: 'Periodic',
    secretStoreRef: { kind: 'SecretStore', name: 't' },
    target: { name: frozenName.name, creationPolicy: 'Owner', deletionPolicy: 'Retain', immutable: true },
    data: wanted.map((key) => ({ secretKey: key, remoteRef: { key } })),
  };
  return { kind: 'ExternalSecret', metadata: frozenName, spec };
}

export function wrongWithFrozen(stage: Stage, es: ModelObject, when: When): string[] {
  const { name } = es.metadata;
  const ready = readyOf(es);
  const truth = truthOf(stage, es);
  const isWhole = 'values' in truth && [...truth.values.values()].every((value) => value !== undefined);
  if (!isWhole) return ready?.status === 'True' && when === 'waves' ? [`${name}: Ready=True without its sources`] : [];
  if (ready?.status !== 'True')
    return stage.wasWrong && when === 'soon' ? [] : [`${name}: not Ready: ${ready?.message ?? 'no verdict'}`];
  const secret = stage.objects.get('Secret', frozenName);
  if (secret === undefined) return [`${name}: Ready=True without its Secret`];
  const owner = secret.metadata.ownerReferences?.find(({ controller }) => controller === true);
  const foreign = Object.entries(secret.data ?? {}).filter(
    ([key, text]) => stage.issued.get(key)?.has(decoded(text)) !== true,
  );
  return [
    ...(owner?.uid === es.metadata.uid ? [] : [`${name}: it does not own its Secret`]),
    ...(secret.immutable === true ? [] : [`${name}: its Secret is not immutable`]),
    ...(Object.keys(secret.data ?? {}).length > 0 ? [] : [`${name}: its Secret is empty`]),
    ...foreign.map(([key, text]) => `${name}: ${key} is ${decoded(text)}, which no source ever held`),
  ];
}

/** Frozen Secrets whose values changed although they are the same objects; keys of the model's are not empty. */
export function thawed({ objects }: Stage): string[] {
  const found: string[] = [];
  const values = new Map<string, string>();
  for (const { object, atMs } of objects.history('Secret', frozenName)) {
    if (object?.immutable !== true) continue;
    const data = JSON.stringify(keys.map((key) => object.data?.[key]));
    const before = values.get(object.metadata.uid ?? '');
    if (before !== undefined && before !== data) found.push(`the frozen Secret changed at ${atMs}`);
    values.set(object.metadata.uid ?? '', data);
  }
  return found;
}
