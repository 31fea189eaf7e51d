// Every kind that the operator serves, as `npm run generate` and `escapement crds` write them out.
import {
  clusterExternalSecretResource,
  clusterExternalSecretSpec,
  clusterExternalSecretStatus,
} from './cluster-external-secret.ts';
import { type CustomResourceDefinition, customResourceDefinition, type Kind } from './custom-resource.ts';
import { environmentResource, environmentSpec, environmentStatus } from './environment.ts';
import { externalSecretResource, externalSecretSpec, externalSecretStatus } from './external-secret.ts';
import { generatorKinds } from './generators/table.ts';
import { clusterSecretStoreResource, secretStoreResource, secretStoreSpec, secretStoreStatus } from './secret-store.ts';

const readyStatus = '.status.conditions[?(@.type=="Ready")].status';
const readyReason = '.status.conditions[?(@.type=="Ready")].reason';

/** What is wrong and what mends it, where people look first. */
const messageColumn: Kind['columns'][number] = {
  name: 'Message',
  type: 'string',
  jsonPath: '.status.conditions[?(@.type=="Ready")].message',
  priority: 1,
};

const storeColumns: Kind['columns'] = [
  { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'Status', type: 'string', jsonPath: readyReason },
  { name: 'Capabilities', type: 'string', jsonPath: '.status.capabilities' },
  { name: 'Ready', type: 'string', jsonPath: readyStatus },
  messageColumn,
];

export const externalSecretKind: Kind = {
  resource: externalSecretResource,
  shortNames: ['es'],
  olderVersion: 'v1beta1',
  description: 'Fetches values from a store and keeps a Secret in step with them.',
  spec: externalSecretSpec,
  status: externalSecretStatus,
  columns: [
    { name: 'StoreType', type: 'string', jsonPath: '.spec.secretStoreRef.kind' },
    { name: 'Store', type: 'string', jsonPath: '.spec.secretStoreRef.name' },
    { name: 'Refresh Interval', type: 'string', jsonPath: '.spec.refreshInterval' },
    { name: 'Status', type: 'string', jsonPath: readyReason },
    { name: 'Ready', type: 'string', jsonPath: readyStatus },
    { name: 'Last Sync', type: 'date', jsonPath: '.status.refreshTime' },
    messageColumn,
  ],
  selectableFields: [
    '.spec.secretStoreRef.name',
    '.spec.secretStoreRef.kind',
    '.spec.target.name',
    '.spec.refreshInterval',
  ],
};

export const secretStoreKind: Kind = {
  resource: secretStoreResource,
  shortNames: ['ss'],
  olderVersion: 'v1beta1',
  description: 'An upstream that ExternalSecrets of the same namespace may read.',
  spec: secretStoreSpec,
  status: secretStoreStatus,
  columns: storeColumns,
};

export const clusterSecretStoreKind: Kind = {
  resource: clusterSecretStoreResource,
  shortNames: ['css'],
  olderVersion: 'v1beta1',
  description: 'An upstream that ExternalSecrets of every namespace, or of chosen ones, may read.',
  spec: secretStoreSpec,
  status: secretStoreStatus,
  columns: storeColumns,
};

const generators: readonly Kind[] = Object.values(generatorKinds).map(({ resource, spec, description }) => ({
  resource,
  shortNames: [],
  moreCategories: ['external-secrets-generators'],
  description,
  spec,
  columns: [],
}));

export const clusterExternalSecretKind: Kind = {
  resource: clusterExternalSecretResource,
  shortNames: ['ces'],
  olderVersion: 'v1beta1',
  description: 'Keeps an ExternalSecret in every namespace that it chooses.',
  spec: clusterExternalSecretSpec,
  status: clusterExternalSecretStatus,
  columns: [
    { name: 'Store', type: 'string', jsonPath: '.spec.externalSecretSpec.secretStoreRef.name' },
    { name: 'Refresh Interval', type: 'string', jsonPath: '.spec.refreshTime' },
    { name: 'Ready', type: 'string', jsonPath: readyStatus },
    messageColumn,
  ],
};

export const environmentKind: Kind = {
  resource: environmentResource,
  shortNames: ['env'],
  description: 'An ESC document that is evaluated in the cluster: configuration and secrets that build on one another.',
  spec: environmentSpec,
  status: environmentStatus,
  columns: [
    { name: 'Status', type: 'string', jsonPath: readyReason },
    { name: 'Ready', type: 'string', jsonPath: readyStatus },
    { name: 'Revision', type: 'integer', jsonPath: '.status.revision' },
    { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    { name: 'Imports', type: 'string', jsonPath: '.status.imports', priority: 1 },
    messageColumn,
  ],
};

export const kinds: readonly Kind[] = [
  externalSecretKind,
  secretStoreKind,
  clusterSecretStoreKind,
  clusterExternalSecretKind,
  environmentKind,
  ...generators,
];

/** The CustomResourceDefinitions of all kinds. */
export function customResourceDefinitions(): CustomResourceDefinition[] {
  return kinds.map(customResourceDefinition);
}
