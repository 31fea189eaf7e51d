// Environments of a real cluster, as people with different rights see them.
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { applyYaml, createNamespace, kubectl } from '../../../test/support/kubectl.ts';
import { keyCipher } from '../../core/esc/cipher.ts';
import { sealCiphertext } from '../../core/esc/ciphertext.ts';
import { directoryOf, env } from './desk.fixture.ts';

const key = randomBytes(32).toString('base64');
let namespace: string;
let infra: string;
let admin: { readonly kubeconfig: string };

function environment(name: string, spec: object, at = namespace) {
  return { apiVersion: 'escapement.dev/v1alpha1', kind: 'Environment', metadata: { name, namespace: at }, spec };
}

async function apply(...objects: readonly object[]): Promise<void> {
  await applyYaml(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }), admin);
}

/** The kubeconfig of a ServiceAccount that may get these resources in both namespaces. */
async function person(name: string, resources: readonly string[]): Promise<string> {
  await kubectl(['create', 'serviceaccount', name, '-n', namespace], admin);
  for (const at of [namespace, infra]) {
    await kubectl(['create', 'role', name, '--verb=get', `--resource=${resources.join(',')}`, '-n', at], admin);
    const who = `--serviceaccount=${namespace}:${name}`;
    await kubectl(['create', 'rolebinding', name, `--role=${name}`, who, '-n', at], admin);
  }
  const { stdout } = await kubectl(['create', 'token', name, '-n', namespace], admin);
  const config = JSON.parse((await kubectl(['config', 'view', '--raw', '-o', 'json'], admin)).stdout);
  const [context] = config.contexts;
  const changed = {
    ...config,
    users: [{ name: 'person', user: { token: stdout.trim() } }],
    contexts: [{ name: 'theirs', context: { ...context.context, user: 'person', namespace } }],
    'current-context': 'nowhere',
  };
  const path = `${directoryOf({})}/kubeconfig`;
  await writeFile(path, JSON.stringify(changed), { mode: 0o600 });
  return path;
}

beforeAll(async () => {
  admin = { kubeconfig: inject('kubeconfigPath') };
  namespace = await createNamespace('env', admin);
  infra = await createNamespace('infra', admin);
  const cipher = keyCipher(Buffer.from(key, 'base64'), randomBytes);
  const ciphertext = sealCiphertext(cipher.encrypt(Buffer.from('hunter2')));
  await apply(
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'env-key', namespace }, stringData: { key } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db', namespace }, stringData: { password: 'pw-of-db' } },
    environment('base', { values: { region: 'eu' }, sharedWith: { namespaces: [namespace] } }, infra),
    environment('hidden', { values: { region: 'eu' } }, infra),
    environment('app', {
      imports: [`${infra}/base`],
      encryptionKey: { secretRef: { name: 'env-key', key: 'key' } },
      values: {
        token: { 'fn::secret': { ciphertext } },
        db: { 'fn::open::kubernetes-secrets': { get: { password: { name: 'db', key: 'password' } } } },
        environmentVariables: { REGION: '${region}', TOKEN: '${token}' },
      },
    }),
    environment('stranger', { imports: [`${infra}/hidden`] }),
  );
});

describe('an Environment of the cluster', () => {
  it('is opened and run with the rights of the person', async () => {
    const kubeconfig = await person('owner', ['environments.escapement.dev', 'secrets']);
    const where = ['--kubeconfig', kubeconfig, '--context', 'theirs'];
    const { code, out, errors } = await env(['open', 'app', ...where]);
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(JSON.parse(out)).toMatchObject({ region: 'eu', token: 'hunter2', db: { password: 'pw-of-db' } });
    const ran = await env(['run', `${namespace}/app`, ...where, '--', 'sh', '-c', 'echo "$REGION $TOKEN"']);
    expect(ran).toEqual({ code: 0, out: 'eu [secret]\n', errors: '' });
  });

  it('is checked by who may not read Secrets, and not opened', async () => {
    const kubeconfig = await person('reader', ['environments.escapement.dev']);
    const where = ['--kubeconfig', kubeconfig, '--context', 'theirs'];
    expect(await env(['check', 'app', ...where])).toMatchObject({ code: 0, errors: '' });
    const got = JSON.parse((await env(['get', 'app', ...where])).out);
    expect(got).toMatchObject({ region: 'eu', token: '[secret]', db: '[secret]' });
    const told = await env(['open', 'app', ...where]);
    expect(told).toMatchObject({ out: '', errors: expect.stringContaining('env-key') });
    expect(told.code).not.toBe(0);
  });

  it('is imported by a file, with the rights of the person', async () => {
    const owner = await person('importer', ['environments.escapement.dev', 'secrets']);
    const directory = directoryOf({
      'dev.yaml': `imports: [own, cluster:app]\nvalues: {environmentVariables: {REGION: "\${region}-\${own}"}}`,
      'own.yaml': 'values: {own: file}',
      'named.yaml': `imports: [own, app]\nvalues: {a: "\${environments.${infra}.hidden.region}"}`,
      'broken.yaml': 'imports:\n  - cluster:stranger\n  - cluster:nope\n',
    });
    const where = ['--kubeconfig', owner, '--context', 'theirs'];
    const ran = await env(['run', `${directory}/dev.yaml`, ...where, '--', 'sh', '-c', 'echo "$REGION $TOKEN"']);
    expect(ran).toEqual({ code: 0, out: 'eu-file [secret]\n', errors: '' });
    const named = await env(['open', `${directory}/named.yaml`, '--imports-from', 'cluster', ...where]);
    expect(JSON.parse(named.out)).toMatchObject({
      own: 'file',
      token: 'hunter2',
      a: 'eu',
      db: { password: 'pw-of-db' },
    });
    const told = await env(['check', `${directory}/broken.yaml`, ...where]);
    expect(told.code).toBe(1);
    expect(told.out).toMatch(/broken\.yaml:2:5: error: imports\[0\]: environment "[^"]*\/stranger" has errors/);
    expect(told.out).toMatch(/environment "[^"]*\/stranger": error: imports\[0\]: .*is not shared with namespace/);
    expect(told.out).toMatch(/broken\.yaml:3:5: error: imports\[1\]: environment "[^"]*\/nope" does not exist/);
    const reader = ['--kubeconfig', await person('looker', ['environments.escapement.dev']), '--context', 'theirs'];
    expect(await env(['check', `${directory}/dev.yaml`, ...reader])).toMatchObject({ code: 0, errors: '' });
    const opened = await env(['open', `${directory}/dev.yaml`, ...reader]);
    expect(opened).toMatchObject({ out: '', errors: expect.stringContaining('env-key') });
  });

  it('that may not be used, or is not there, is told', async () => {
    const where = ['--kubeconfig', admin.kubeconfig, '-n', namespace];
    const { code, out } = await env(['check', 'stranger', ...where]);
    expect([code, out]).toEqual([1, expect.stringContaining('is not shared with namespace')]);
    expect(await env(['check', 'nope', ...where])).toMatchObject({
      code: 3,
      errors: expect.stringContaining('does not exist'),
    });
  });

  it('is compared with the manifest that may replace it', async () => {
    const { stdout } = await kubectl(['get', 'environment', 'app', '-n', namespace, '-o', 'json'], admin);
    const changed = JSON.parse(stdout);
    changed.spec.values.environmentVariables.EXTRA = 'x';
    const where = ['--kubeconfig', admin.kubeconfig, '-n', namespace];
    const told = await env(['diff', 'app', '-', ...where], { input: JSON.stringify(changed) });
    expect(told).toEqual({ code: 1, errors: '', out: '+ environmentVariables.EXTRA: string\n' });
  });
});
