import { describe, expect, it } from 'vitest';
import { objectSchema } from './custom-resource.ts';
import { customResourceDefinitions, kinds } from './kinds.ts';
import { referencePage } from './reference-page.ts';
import type { Structural } from './structural.ts';

/** Every node below a schema with its path; `[]` stands for list items, `*` for map values. */
function nodes(schema: Structural, path = ''): [string, Structural][] {
  const children = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => nodes(child, `${path}.${name}`));
  const items = schema.items === undefined ? [] : nodes(schema.items, `${path}[]`);
  const values = schema.additionalProperties === undefined ? [] : nodes(schema.additionalProperties, `${path}.*`);
  return [[path, schema], ...children, ...items, ...values];
}

function defaultsOf(schema: Structural): Record<string, unknown> {
  const withDefault = nodes(schema).filter(([, node]) => node.default !== undefined);
  return Object.fromEntries(withDefault.map(([path, node]) => [path, node.default]));
}

const storeDefaults = {
  '.spec.provider.infisical.hostAPI': 'https://app.infisical.com/api',
  '.spec.provider.infisical.secretsScope.secretsPath': '/',
  '.spec.provider.infisical.secretsScope.recursive': false,
  '.spec.provider.infisical.secretsScope.expandSecretReferences': true,
  '.spec.provider.pulumi.apiUrl': 'https://api.pulumi.com/api/esc',
  '.spec.provider.pulumi.auth.oidcConfig.expirationSeconds': 600,
  '.status': { observedGeneration: -1 },
};

const passwordDefaults = (at: string) => ({
  [`${at}.length`]: 24,
  [`${at}.noUpper`]: false,
  [`${at}.allowRepeat`]: false,
  [`${at}.encoding`]: 'raw',
});
const externalSecretDefaults = {
  '.target': { creationPolicy: 'Owner', deletionPolicy: 'Retain' },
  '.target.creationPolicy': 'Owner',
  '.target.deletionPolicy': 'Retain',
  '.target.template.engineVersion': 'v2',
  '.target.template.mergePolicy': 'Replace',
  '.refreshInterval': '1h0m0s',
  '.secretStoreRef.kind': 'SecretStore',
};

function below(path: string, defaults: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(defaults).map(([name, value]) => [`${path}${name}`, value]));
}

/** Defaults that the API server writes: those of ESO's CRDs outside lists, and ours on `status`. */
const expectedDefaults: Record<string, Record<string, unknown>> = {
  ExternalSecret: {
    ...below('.spec', externalSecretDefaults),
    '.status': { observedGeneration: -1 },
    '.status.binding.name': '',
  },
  SecretStore: storeDefaults,
  ClusterSecretStore: storeDefaults,
  Fake: {},
  MFA: {},
  UUID: {},
  Webhook: {},
  Password: passwordDefaults('.spec'),
  SSHKey: { '.spec.keyType': 'rsa' },
  ClusterGenerator: {
    ...passwordDefaults('.spec.generator.passwordSpec'),
    '.spec.generator.sshKeySpec.keyType': 'rsa',
  },
  ClusterExternalSecret: {
    ...below('.spec.externalSecretSpec', externalSecretDefaults),
    '.status': { observedGeneration: -1 },
  },
  Environment: { '.status': { observedGeneration: -1 } },
};

describe.each(kinds.map((kind) => [kind.resource.kind, objectSchema(kind)] as const))(
  'schema of %s',
  (kind, schema) => {
    it('has the defaults of the table and no other, none of them below a list', () => {
      expect(defaultsOf(schema)).toEqual(expectedDefaults[kind]);
      expect(Object.keys(defaultsOf(schema)).filter((path) => /\[\]|\*/.test(path))).toEqual([]);
    });

    it('is structural: types everywhere, no references, no choice between shapes', () => {
      for (const [path, node] of nodes(schema)) {
        const anyType =
          node['x-kubernetes-int-or-string'] === true || node['x-kubernetes-preserve-unknown-fields'] === true;
        expect(typeof node.type === 'string' || anyType, `type of ${path}`).toBe(true);
        for (const keyword of ['$ref', 'oneOf', 'allOf', 'not', 'uniqueItems', 'definitions'])
          expect(node, path).not.toHaveProperty(keyword);
        expect(node.properties !== undefined && node.additionalProperties !== undefined, path).toBe(false);
      }
      expect(schema.properties?.['metadata']).toEqual({ type: 'object' });
      expect(schema.required).toBeUndefined();
    });

    it('describes every field but the items of lists and maps, which their parent describes', () => {
      const silent = nodes(schema).filter(
        ([path, node]) => node.description === undefined && path !== '.metadata' && !/(\[\]|\*)$/.test(path),
      );
      expect(silent.map(([path]) => path)).toEqual([]);
    });

    it('appears whole in the reference page', () => {
      const page = referencePage(kinds.filter(({ resource }) => resource.kind === kind));
      const fields = nodes(schema)
        .map(([path]) => path.slice(1))
        .filter((path) => /^(spec|status)/.test(path) && !/(\[\]|\*)$/.test(path));
      expect(fields.filter((path) => !page.includes(`| \`${path}\` |`))).toEqual([]);
    });
  },
);

describe.each(customResourceDefinitions().map((crd) => [crd.metadata.name, crd] as const))('CRD %s', (_, crd) => {
  it('is small enough for a plain kubectl apply', () => {
    expect(Buffer.byteLength(JSON.stringify(crd))).toBeLessThan(200_000);
  });

  const isOfOneVersion = crd.spec.group !== 'external-secrets.io';

  it.runIf(isOfOneVersion)('has the one version that there is', () => {
    expect(crd.spec.versions.map(({ name, storage }) => [name, storage])).toEqual([['v1alpha1', true]]);
  });

  it.skipIf(isOfOneVersion)('stores v1 and serves both versions in one shape', () => {
    expect(crd.spec.versions.map(({ name, storage, ...rest }) => [name, storage, rest['served']])).toEqual([
      ['v1', true, true],
      ['v1beta1', false, true],
    ]);
    const [newer, older] = crd.spec.versions;
    expect(JSON.stringify(older?.['schema'])).not.toContain('"description":"');
    for (const same of ['additionalPrinterColumns', 'subresources']) expect(older?.[same]).toEqual(newer?.[same]);
    const selectable = (version: typeof older) =>
      JSON.stringify((version?.['selectableFields'] ?? []) as unknown[])
        .split(/[[\],]/)
        .sort();
    expect(selectable(older)).toEqual(selectable(newer));
    expect(crd.spec['conversion']).toEqual({ strategy: 'None' });
  });

  it('carries the label and the category that ESO gives its own', () => {
    expect(crd.metadata.labels).toEqual({ 'external-secrets.io/component': 'controller' });
    const more = crd.spec.group === 'generators.external-secrets.io' ? ['external-secrets-generators'] : [];
    expect(crd.spec['names']).toMatchObject({ categories: ['external-secrets', ...more] });
  });
});

it('has the names, scopes and columns that scripts rely on', () => {
  const told = customResourceDefinitions().map(({ metadata, spec }) => {
    const columns = spec.versions[0]?.['additionalPrinterColumns'] as { name: string }[] | undefined;
    return [metadata.name, spec['scope'], spec['names'], (columns ?? []).map(({ name }) => name)];
  });
  const generator = (kind: string, scope = 'Namespaced') => {
    const { shortNames: _, ...rest } = names(kind, '');
    const categories = ['external-secrets', 'external-secrets-generators'];
    return [`${rest.plural}.generators.external-secrets.io`, scope, { ...rest, categories }, []];
  };
  const names = (kind: string, short: string) => ({
    kind,
    listKind: `${kind}List`,
    plural: `${kind.toLowerCase()}s`,
    singular: kind.toLowerCase(),
    shortNames: [short],
    categories: ['external-secrets'],
  });
  const storeColumns = ['AGE', 'Status', 'Capabilities', 'Ready', 'Message'];
  const environmentColumns = ['Status', 'Ready', 'Revision', 'AGE', 'Imports', 'Message'];
  expect(told).toEqual([
    [
      'externalsecrets.external-secrets.io',
      'Namespaced',
      names('ExternalSecret', 'es'),
      ['StoreType', 'Store', 'Refresh Interval', 'Status', 'Ready', 'Last Sync', 'Message'],
    ],
    ['secretstores.external-secrets.io', 'Namespaced', names('SecretStore', 'ss'), storeColumns],
    ['clustersecretstores.external-secrets.io', 'Cluster', names('ClusterSecretStore', 'css'), storeColumns],
    [
      'clusterexternalsecrets.external-secrets.io',
      'Cluster',
      names('ClusterExternalSecret', 'ces'),
      ['Store', 'Refresh Interval', 'Ready', 'Message'],
    ],
    ['environments.escapement.dev', 'Namespaced', names('Environment', 'env'), environmentColumns],
    ...['Fake', 'MFA', 'Password', 'SSHKey', 'UUID', 'Webhook'].map((kind) => generator(kind)),
    generator('ClusterGenerator', 'Cluster'),
  ]);
});
