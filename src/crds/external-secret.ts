// Kind ExternalSecret: which values to fetch from which store, and what Secret to make of them. Rules that span fields
// and that ESO's webhook knows are the controller's: what ESO's schema accepts, this one accepts.
// Field reference of the compatible API: https://external-secrets.io/latest/api/externalsecret/
import * as z from 'zod/mini';
import { isRecord, listOf } from '../base/json.ts';
import { conditions, observedGeneration } from './condition.ts';
import {
  about,
  defaulted,
  filledText,
  flag,
  instant,
  integer,
  objectName,
  oneOf,
  optional,
  patterned,
  text,
  withFacts,
} from './kit.ts';
import { externalSecretsGroup, type KindResource, type ObjectMeta } from './object.ts';
import { compiled, type Parsed, parseObject, readStatus, recordAt } from './parse.ts';
import { data, dataFrom, defaultStoreRefFields, type GeneratorRef } from './source.ts';
import { template } from './template.ts';

export type { Condition } from './condition.ts';
export type { DataEntry, DataFrom, Find, GeneratorRef, RemoteRef, Rewrite, SourceRef } from './source.ts';
export type { Template } from './template.ts';

const manifest = about(
  'Makes the target an object of another kind than Secret.',
  z.object({ apiVersion: filledText('API version of the target.'), kind: filledText('Kind of the target.') }),
);

const target = about(
  'The Secret (or other object) that receives the values. Default {creationPolicy: Owner, deletionPolicy: Retain}.',
  z.object({
    name: optional(objectName('Name of the target; absent means the name of the ExternalSecret.')),
    creationPolicy: defaulted(
      oneOf(
        ['Owner', 'Orphan', 'Merge', 'None', 'CreateOrMerge'],
        'Owner: created, and deleted with the ExternalSecret. Orphan: created, and left behind. Merge: only an existing target is ' +
          'filled. CreateOrMerge: created if absent, else filled, never deleted. None: nothing is written. Default Owner.',
      ),
      'Owner',
    ),
    deletionPolicy: defaulted(
      oneOf(
        ['Delete', 'Merge', 'Retain'],
        'What a value that is gone at the provider does. Retain: the target stays as it is, with an error. Merge: the key goes. ' +
          'Delete: the target goes when all of its values are gone. Default Retain.',
      ),
      'Retain',
    ),
    template: optional(template),
    manifest: optional(manifest),
    immutable: optional(flag('Makes the Secret immutable: it is written once. Absent means false.')),
  }),
);

const cronPattern = {
  expression: /^(@(annually|yearly|monthly|weekly|daily|midnight|hourly)|@every [^\s]+.*|[^\s]+( [^\s]+){4})$/,
  words:
    'five cron fields (minute hour day month weekday), or @hourly, @daily, @weekly, @monthly, @yearly, @every <duration>',
};

const syncWindow = z.object({
  schedule: patterned(
    cronPattern,
    'When the window opens, in UTC: five cron fields, a word such as `@daily`, or `@every 6h`.',
  ),
  duration: text('How long it stays open, as a Go duration such as `1h30m`.'),
});

const syncWindows = about(
  'Times in which periodic refreshes happen, or do not. Changes of the object itself are always served.',
  z.object({
    kind: oneOf(['allow', 'deny'], 'allow: periodic refreshes only inside the windows. deny: only outside.'),
    windows: about('The windows; one that is open is enough.', z.array(syncWindow).check(z.minLength(1))),
  }),
);

export const externalSecretSpec = about(
  'What is wanted.',
  z.object({
    secretStoreRef: optional(about('Store of all entries that do not name their own.', defaultStoreRefFields)),
    target: defaulted(target, { creationPolicy: 'Owner', deletionPolicy: 'Retain' }),
    refreshPolicy: optional(
      oneOf(
        ['CreatedOnce', 'Periodic', 'OnChange'],
        'Periodic: every `refreshInterval`. OnChange: when the ExternalSecret changes. CreatedOnce: until the target exists. Absent means Periodic.',
      ),
    ),
    refreshInterval: defaulted(
      text('Time between two refreshes as a Go duration (units ns, us, ms, s, m, h); `0s` means none. Default 1h0m0s.'),
      '1h0m0s',
    ),
    syncWindows: optional(syncWindows),
    data: optional(data),
    dataFrom: optional(dataFrom),
  }),
);

const keySource = z.object({
  key: text('Key that was read, after rewriting and before a template.'),
  source: text('Kind and name of the store or generator.'),
  folder: optional(text('Folder at the provider; absent when it does not tell.')),
  version: optional(text('Version of the value at the provider; absent when it has none.')),
  since: optional(instant('When that version was made; absent when the provider does not tell.')),
});

/** What is kept of a status, and written. */
const keptStatus = {
  observedGeneration: optional(observedGeneration),
  refreshTime: optional(z.nullable(instant('Last refresh that changed something, or the heartbeat.'))),
  syncedResourceVersion: optional(text('Generation and digest of labels and annotations at the last refresh.')),
  conditions: optional(conditions),
  binding: optional(
    withFacts(z.object({ name: defaulted(text('Name of the Secret. Default empty.'), '') }), {
      description: 'The target Secret, for the Service Binding specification.',
      'x-kubernetes-map-type': 'atomic',
    }),
  ),
};

/** Nothing is decided by what is written for people alone: it is not read again, nor kept in memory. */
const keptStatusSchema = z.object(keptStatus);

export const externalSecretStatus = about(
  'What the operator found and did.',
  z.object({
    ...keptStatus,
    keys: optional(
      withFacts(z.array(keySource), {
        description:
          'Where the keys were read when the status was last written, the first 32 of them; no value, and nothing of it.',
        'x-kubernetes-list-type': 'atomic',
      }),
    ),
    keyCount: optional(integer('How many keys there were.')),
  }),
);

export type ExternalSecretSpec = z.infer<typeof externalSecretSpec>;
/** The part of a status by which things are decided. */
export type ExternalSecretStatus = z.infer<typeof keptStatusSchema>;

export interface ExternalSecret {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: ExternalSecretSpec;
  readonly status?: ExternalSecretStatus;
}

export const externalSecretResource = {
  group: externalSecretsGroup,
  version: 'v1',
  plural: 'externalsecrets',
  kind: 'ExternalSecret',
  namespaced: true,
} as const satisfies KindResource;

const specReader = compiled(externalSecretSpec);
const statusReader = compiled(keptStatusSchema);

/**
 * Reads an ExternalSecret, applying every default; a missing spec reads as an empty one, unknown fields are left out, a
 * status that cannot be read counts as absent. Issues are one line each, `path: what is expected`.
 */
export function parseExternalSecret(raw: unknown): Parsed<ExternalSecret> {
  const parsed = parseObject(raw, specReader);
  if (parsed.ok === undefined) return parsed;
  const status = parseExternalSecretStatus(raw);
  return { ok: status === undefined ? parsed.ok : { ...parsed.ok, status } };
}

/** The status alone, for an object whose spec is known; undefined when there is none that can be read. */
export function parseExternalSecretStatus(raw: unknown): ExternalSecretStatus | undefined {
  return readStatus(raw, statusReader);
}

/** A store that an ExternalSecret names. */
export interface StoreReference {
  readonly kind: 'SecretStore' | 'ClusterSecretStore';
  readonly name: string;
}

/** Every store that an ExternalSecret names, each once, in order of appearance; works on objects that do not parse. */
export function storeReferences(externalSecret: unknown): StoreReference[] {
  const spec = recordAt(externalSecret, 'spec');
  const entries = [...listOf(spec['data']), ...listOf(spec['dataFrom'])];
  const refs = [spec['secretStoreRef'], ...entries.map((entry) => recordAt(recordAt(entry, 'sourceRef'), 'storeRef'))];
  const found = new Map<string, StoreReference>();
  for (const ref of refs) {
    if (!isRecord(ref) || typeof ref['name'] !== 'string' || ref['name'] === '') continue;
    const kind = ref['kind'] === 'ClusterSecretStore' ? 'ClusterSecretStore' : 'SecretStore';
    found.set(`${kind}/${ref['name']}`, { kind, name: ref['name'] });
  }
  return [...found.values()];
}

/** The generators that are run for the object, as often as it names them. */
export function generatorReferences({ dataFrom: entries = [] }: ExternalSecretSpec): GeneratorRef[] {
  return entries.map(({ sourceRef }) => sourceRef?.generatorRef).filter((ref) => ref !== undefined);
}
