// Kind Environment: an ESC document that the operator evaluates in the cluster when a store opens it. Its namespace plays
// the part of ESC's project. Values are ESC's own language and pass through unread; core/esc says what they mean.
// Language reference: https://www.pulumi.com/docs/esc/environments/syntax/
import * as z from 'zod/mini';
import { conditions, observedGeneration } from './condition.ts';
import {
  about,
  anyJson,
  dataKey,
  flag,
  instant,
  int64,
  namespaceName,
  objectName,
  oneOf,
  optional,
  ruled,
  text,
  withFacts,
} from './kit.ts';
import type { KindResource, ObjectMeta } from './object.ts';
import { type Parsed, parseObject, readStatus } from './parse.ts';
import { labelSelector } from './selectors.ts';

const sharedWith = about(
  'Which other namespaces may import this Environment or open it with a store. Absent means none.',
  z.object({
    namespaces: optional(about('Namespaces by name.', z.array(namespaceName('Name of a namespace.')))),
    namespaceSelector: optional(labelSelector),
  }),
);

const encryptionKey = about(
  'Where the key lies that decrypts `fn::secret: {ciphertext: …}` in these values, as `escapement env encrypt` makes it. Absent, the values may hold no ciphertext.',
  z.object({
    secretRef: about(
      'A Secret in the namespace of the Environment.',
      z.object({
        name: objectName('Name of the Secret.'),
        key: dataKey('Key in its data; it holds 32 bytes, as they are or as base64 text.'),
      }),
    ),
  }),
);

const tags = ruled(
  withFacts(z.record(z.string(), z.int()), {
    description:
      'Names of revisions, for `imports: [name@tag]` and the `version` of stores and keys: `{stable: 3}`. At most 32.',
    maxProperties: 32,
  }),
  {
    rule: 'self.all(tag, tag != "latest" && self[tag] > 0)',
    message: 'a tag is the number of a revision, and never called "latest"',
    holds: (value) => Object.entries(value).every(([tag, number]) => tag !== 'latest' && number > 0),
  },
);

const publish = about(
  'Writes `environmentVariables` and `files` for pods without an ExternalSecret.',
  z.object({
    secretName: optional(
      objectName('The Secret for variables that are secret, and for files. It belongs to the Environment.'),
    ),
    configMapName: optional(
      objectName(
        'The ConfigMap for variables that are plain; absent puts them into the Secret. The chart must allow it (`genericTargets.enabled`).',
      ),
    ),
    refreshInterval: optional(
      text(
        'Time between two evaluations, as a Go duration; changes in the cluster are served at once. `0s` means none. Absent means 1h.',
      ),
    ),
  }),
);

export const environmentSpec = about(
  'An ESC document, and who may use it.',
  z.object({
    imports: optional(
      about(
        'Environments whose values are merged below these, in order: `name` for the same namespace, `namespace/name` for one that is shared with this namespace; an object with one such key may carry options (`merge: false`).',
        z.array(anyJson('An import.')),
      ),
    ),
    values: optional(
      anyJson(
        'The values: any YAML, with interpolation, built-in functions (`fn::…`) and providers (`fn::open::…`). Reference Secrets instead of writing them here.',
      ),
    ),
    encryptionKey: optional(encryptionKey),
    sharedWith: optional(sharedWith),
    publish: optional(publish),
    tags: optional(tags),
    revisionHistoryLimit: optional(
      about(
        'Revisions that are kept, the present one included; those with a tag are kept besides. Absent means 10.',
        z.int().check(z.minimum(1), z.maximum(100)),
      ),
    ),
    controller: optional(
      text('Class of the operator that looks after the Environment, as for stores. Absent means any.'),
    ),
  }),
);

const diagnostic = z.object({
  severity: oneOf(['error', 'warning'], 'An error keeps the Environment from being opened.'),
  path: optional(text('Where in the spec, such as `values.db.host`; absent when it concerns the whole.')),
  message: text('What is wrong, without any value.'),
  suggestion: optional(text('A name that was probably meant.')),
});

const key = z.object({
  name: text('Name of the key below `values`, imported ones included.'),
  type: text('string, number, boolean, object, array, null, or any when it shows only as the Environment is opened.'),
  secret: flag('Whether it is secret, or anything in it.'),
});

export const environmentStatus = about(
  'What the operator found. Lists end where they get long.',
  z.object({
    observedGeneration: optional(observedGeneration),
    conditions: optional(conditions),
    diagnostics: optional(about('What is wrong with the document, errors first.', z.array(diagnostic))),
    imports: optional(
      about('Environments that the document names, by import or by reference: `namespace/name`.', z.array(z.string())),
    ),
    importedBy: optional(about('Environments that name this one, and may: `namespace/name`.', z.array(z.string()))),
    revision: optional(int64('Number of the revision that holds the present document, once it was accepted.')),
    published: optional(
      about(
        'What `spec.publish` has written.',
        z.object({
          secretName: optional(text('The Secret.')),
          configMapName: optional(text('The ConfigMap.')),
          refreshTime: optional(instant('Last evaluation that changed something, or the heartbeat.')),
        }),
      ),
    ),
    keys: optional(about('Keys that opening it gives.', z.array(key))),
  }),
);

export type EnvironmentSpec = z.infer<typeof environmentSpec>;
export type EnvironmentStatus = z.infer<typeof environmentStatus>;

export interface Environment {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: EnvironmentSpec;
}

/** API group of the kinds that are our own. */
const escapementGroup = 'escapement.dev';

export const environmentResource = {
  group: escapementGroup,
  version: 'v1alpha1',
  plural: 'environments',
  kind: 'Environment',
  namespaced: true,
} as const satisfies KindResource;

/** Reads an Environment, its status left aside; issues are one line each, `path: what is expected`. */
export function parseEnvironment(raw: unknown): Parsed<Environment> {
  return parseObject(raw, environmentSpec, { document: 'values' });
}

/** The status alone; one that cannot be read counts as absent. */
export function parseEnvironmentStatus(raw: unknown): EnvironmentStatus {
  return readStatus(raw, environmentStatus) ?? {};
}
