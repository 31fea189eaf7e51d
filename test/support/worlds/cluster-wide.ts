// The ClusterExternalSecret of worlds, the namespaces that it chooses, and what must be true of its ExternalSecrets.
import { isDeepStrictEqual } from 'node:util';
import { type ModelObject, readyOf } from '../model/kinds.ts';
import { type EsSpec, guest, home, interval, specOf } from './specs.ts';
import type { Stage } from './stage.ts';

export const clusterName = 'x';
export const childName = 'child';
export const choices = ['by label', 'by name', 'both at home'] as const;

const choosers = {
  'by label': { namespaceSelectors: [{ matchLabels: { tier: 'gold' } }] },
  'by name': { namespaces: [guest] },
  'both at home': { namespaces: [home], namespaceSelectors: [{ matchLabels: { tier: 'gold' } }] },
};

interface CesSpec {
  readonly namespaces?: readonly string[];
  readonly namespaceSelectors?: readonly object[];
  readonly externalSecretSpec: EsSpec;
}

export function clusterExternalSecret(choice: (typeof choices)[number], keys: readonly string[]): ModelObject {
  const externalSecretSpec: EsSpec = {
    refreshInterval: interval,
    refreshPolicy: 'Periodic',
    secretStoreRef: { kind: 'ClusterSecretStore', name: 'c' },
    target: { name: childName, creationPolicy: 'Owner', deletionPolicy: 'Retain' },
    data: keys.map((key) => ({ secretKey: key, remoteRef: { key } })),
  };
  const spec = { ...choosers[choice], externalSecretName: childName, externalSecretSpec };
  return { kind: 'ClusterExternalSecret', metadata: { name: clusterName }, spec };
}

export function wrongClusterWide({ objects }: Stage): string[] {
  const ces = objects.get('ClusterExternalSecret', { name: clusterName });
  const children = objects.all('ExternalSecret').filter(({ metadata }) => ownersOf(metadata).length > 0);
  const orphans = children.filter(({ metadata }) => !ownersOf(metadata).includes(ces?.metadata.uid ?? ''));
  const problems = orphans.map(({ metadata }) => `${metadata.namespace}/${metadata.name} belongs to nobody`);
  return ces === undefined ? problems : [...problems, ...wrongWithCes(objects, ces)];
}

function wrongWithCes(objects: Stage['objects'], ces: ModelObject): string[] {
  const spec = ces.spec as unknown as CesSpec; // made above
  const living = objects.all('Namespace').filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const chosen = living.filter((namespace) => isChosen(spec, namespace)).map(({ metadata }) => metadata.name);
  const isOurs = ({ metadata }: ModelObject) => ownersOf(metadata).includes(ces.metadata.uid ?? '');
  const childAt = (namespace: string) => objects.get('ExternalSecret', { namespace, name: childName });
  const blocked = chosen.filter((name) => {
    const child = childAt(name);
    return child !== undefined && !isOurs(child);
  });
  const served = chosen.filter((name) => !blocked.includes(name)).toSorted();
  const strays = objects
    .all('ExternalSecret')
    .filter((child) => isOurs(child) && !chosen.includes(child.metadata.namespace ?? ''));
  const ready = readyOf(ces);
  const isReady = String(blocked.length === 0).replace(/^./, (first) => first.toUpperCase());
  return [
    ...served.filter((name) => !isWanted(childAt(name), spec)).map((name) => `the child in ${name} is not as wanted`),
    ...strays.map(({ metadata }) => `a child is left in ${metadata.namespace}`),
    ...(ready?.status === isReady && ready.observedGeneration === ces.metadata.generation
      ? []
      : [`${clusterName}: Ready=${ready?.status} of ${ready?.observedGeneration}: ${ready?.message}`]),
    ...(isDeepStrictEqual(ces.status?.provisionedNamespaces ?? [], served)
      ? []
      : [`${clusterName}: provisioned ${ces.status?.provisionedNamespaces?.join()}, not ${served.join()}`]),
  ];
}

function isWanted(child: ModelObject | undefined, { externalSecretSpec }: CesSpec): boolean {
  if (child === undefined || Object.keys(child.metadata.labels ?? {}).length > 0) return false;
  return isDeepStrictEqual(specOf(child), externalSecretSpec);
}

function isChosen({ namespaces = [], namespaceSelectors = [] }: CesSpec, { metadata }: ModelObject): boolean {
  return namespaces.includes(metadata.name) || (namespaceSelectors.length > 0 && metadata.labels?.['tier'] === 'gold');
}

function ownersOf({ ownerReferences = [] }: ModelObject['metadata']): readonly string[] {
  return ownerReferences.map(({ uid }) => uid);
}
