// Kind Webhook: values that an HTTP endpoint makes. Field reference of the compatible API: https://external-secrets.io/latest/api/generator/webhook/
import * as z from 'zod/mini';
import {
  about,
  bytes,
  dataKey,
  exactlyOne,
  filledText,
  namespaceName,
  objectName,
  oneOf,
  optional,
  text,
  textMap,
} from '../kit.ts';

const secretRef = z.object({
  name: optional(objectName('Name of the Secret; it must carry the label `external-secrets.io/type: webhook`.')),
  key: optional(dataKey('Without effect: templates see every key of the Secret.')),
});

const webhookCaProvider = about(
  'Where to find the PEM certificates that the host is verified with, beside the well-known ones.',
  z.object({
    type: oneOf(['Secret', 'ConfigMap'], 'Kind of the object that holds the certificates.'),
    name: objectName('Name of that object, in the namespace of the ExternalSecret.'),
    key: optional(dataKey('Key in its data.')),
    namespace: optional(namespaceName('Accepted if it is the namespace of the ExternalSecret.')),
  }),
);

export const webhookSpec = z.object({
  url: text(
    'Address that is called, as a template over `secrets`, whose values are escaped for a URL. The host must stand in it as it is.',
  ),
  method: optional(text('GET, POST, PUT, PATCH or DELETE; absent means GET.')),
  headers: optional(textMap('Headers of the request; their values are templates over `secrets`.')),
  body: optional(text('Body of the request, as a template over `secrets`; absent means none.')),
  timeout: optional(text('Time for the whole call, as a Go duration of at most 30s; absent means 30s.')),
  result: about(
    'What of the answer is taken.',
    z.object({
      jsonPath: optional(
        text('Path to the object whose members are the output, such as `$.data.login`; absent means the whole answer.'),
      ),
    }),
  ),
  secrets: optional(
    about(
      'Secrets that the templates may use, each under its name: `{{ .login.password }}` is the key `password` of `login`.',
      z.array(
        z.object({
          name: filledText('Name in the templates.'),
          secretRef: about('The Secret, in the namespace of the ExternalSecret.', secretRef),
        }),
      ),
    ),
  ),
  auth: optional(
    exactlyOne(
      {
        ntlm: optional(
          about(
            'Not served: login by NTLM.',
            z.object({
              usernameSecret: about('Key of a Secret with the user name.', secretRef),
              passwordSecret: about('Key of a Secret with the password.', secretRef),
            }),
          ),
        ),
      },
      'Login beyond what headers can say.',
    ),
  ),
  caBundle: optional(bytes('PEM certificates, in base64, that the host is verified with beside the well-known ones.')),
  caProvider: optional(webhookCaProvider),
});

export type WebhookSpec = z.infer<typeof webhookSpec>;
