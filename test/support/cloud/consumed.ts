// Manifests of an Environment and of all that may take from it.

/** An Environment that is published as `NAME-published`. */
export function publishedEnvironment(name: string, values: object, refreshInterval: string) {
  const spec = { values, publish: { secretName: `${name}-published`, refreshInterval } };
  return { apiVersion: 'escapement.dev/v1alpha1', kind: 'Environment', metadata: { name }, spec };
}

/** The same with a store of it, and an ExternalSecret of its variables. */
export function consumed(name: string, values: object, refreshInterval: string) {
  const apiVersion = 'external-secrets.io/v1';
  const dataFrom = [{ extract: { key: 'environmentVariables' } }];
  return [
    publishedEnvironment(name, values, refreshInterval),
    { apiVersion, kind: 'SecretStore', metadata: { name }, spec: { provider: { esc: { environment: name } } } },
    {
      apiVersion,
      kind: 'ExternalSecret',
      metadata: { name },
      spec: { refreshInterval, secretStoreRef: { name }, dataFrom },
    },
  ];
}
