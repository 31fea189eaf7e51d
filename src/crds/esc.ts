// Provider block `esc`: an Environment of this cluster, evaluated by the operator itself.
import * as z from 'zod/mini';
import { about, optional, patterned } from './kit.ts';

const environmentName = {
  expression: /^([a-z0-9]([-a-z0-9]*[a-z0-9])?\/)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  words: 'name or namespace/name of an Environment',
  // A namespace of 63 characters, the slash, a name of 253.
  maxLength: 317,
};

const version = {
  expression: /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/,
  words: 'the number of a revision, or a tag',
  maxLength: 63,
};

export const escSpec = about(
  'Reads from an Environment that is evaluated in the cluster.',
  z.object({
    environment: patterned(
      environmentName,
      'The Environment as `name` or `namespace/name`. A bare name means the namespace of the SecretStore; a ClusterSecretStore must name the namespace.',
    ),
    version: optional(
      patterned(
        version,
        'Revision of the Environment by number, or by one of its `tags`. Absent, or `latest`, means the document as it stands.',
      ),
    ),
  }),
);

export type EscSpec = z.infer<typeof escSpec>;
