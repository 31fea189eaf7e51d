// The providers that External Secrets Operator serves and this operator does not: their stores are left to it. A name that
// stands neither here nor in our own schema is nobody's, and most likely misspelt.
// Source: `spec.provider` of SecretStore in ESO's deploy/crds/bundle.yaml, every version up to 1.3.2; and two names that came later,
// from https://external-secrets.io/latest/api/spec/ (`nebiusmysterybox`, `ovh`).

const foreignProviders: ReadonlySet<string> = new Set([
  'akeyless',
  'alibaba',
  'aws',
  'azurekv',
  'barbican',
  'beyondtrust',
  'bitwardensecretsmanager',
  'chef',
  'cloudrusm',
  'conjur',
  'delinea',
  'device42',
  'doppler',
  'dvls',
  'fortanix',
  'gcpsm',
  'github',
  'gitlab',
  'ibm',
  'keepersecurity',
  'kubernetes',
  'nebiusmysterybox',
  'ngrok',
  'onboardbase',
  'onepassword',
  'onepasswordSDK',
  'oracle',
  'ovh',
  'passbolt',
  'passworddepot',
  'previder',
  'scaleway',
  'secretserver',
  'senhasegura',
  'vault',
  'volcengine',
  'webhook',
  'yandexcertificatemanager',
  'yandexlockbox',
]);

/** Whether another controller serves a provider of this name. */
export function isForeignProvider(name: string): boolean {
  return foreignProviders.has(name);
}

export const foreignProviderNames: readonly string[] = [...foreignProviders];
