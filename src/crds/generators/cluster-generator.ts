// Kind ClusterGenerator: a generator that every namespace may use. Field reference of the compatible API:
// https://external-secrets.io/latest/api/generator/cluster/
import * as z from 'zod/mini';
import { about, exactlyOne, oneOf, optional } from '../kit.ts';
import { fakeGeneratorSpec } from './fake.ts';
import { mfaSpec } from './mfa.ts';
import { passwordSpec } from './password.ts';
import { sshKeySpec } from './ssh-key.ts';
import { uuidSpec } from './uuid.ts';
import { webhookSpec } from './webhook.ts';

export const clusterGeneratorSpec = about(
  'What is generated.',
  z.object({
    kind: oneOf(['Fake', 'MFA', 'Password', 'SSHKey', 'UUID', 'Webhook'], 'Kind of the generator.'),
    generator: exactlyOne(
      {
        fakeSpec: optional(about('Spec of a Fake.', fakeGeneratorSpec)),
        mfaSpec: optional(about('Spec of an MFA.', mfaSpec)),
        passwordSpec: optional(about('Spec of a Password.', passwordSpec)),
        sshKeySpec: optional(about('Spec of an SSHKey.', sshKeySpec)),
        uuidSpec: optional(about('Spec of a UUID.', uuidSpec)),
        webhookSpec: optional(about('Spec of a Webhook.', webhookSpec)),
      },
      'Its spec, under the name that goes with the kind.',
    ),
  }),
);
