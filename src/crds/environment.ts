// Kind Environment: an ESC document that the operator evaluates in the cluster when a store opens it. Its namespace plays
// the part of ESC's project. Values are ESC's own language and pass through unread; core/esc says what they mean.
// Language reference: https://www.pulumi.com/docs/esc/environments/syntax/
import * as z from 'zod/mini';
import { about, anyJson, dataKey, namespaceName, objectName, optional } from './kit.ts';
import type { KindResource, ObjectMeta } from './object.ts';
import { type Parsed, parseObject } from './parse.ts';
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
  }),
);

export type EnvironmentSpec = z.infer<typeof environmentSpec>;

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

/** Reads an Environment; issues are one line each, `path: what is expected`. */
export function parseEnvironment(raw: unknown): Parsed<Environment> {
  return parseObject(raw, environmentSpec);
}
