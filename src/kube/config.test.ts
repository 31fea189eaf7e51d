import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { systemClock } from '../base/clock.ts';
import { OperatorError } from '../base/operator-error.ts';
import { type AccessSources, contextNamespace, loadClusterAccess } from './config.ts';

const directory = mkdtempSync(join(tmpdir(), 'kube-config-'));
const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const base64 = (text: string) => Buffer.from(text).toString('base64');

afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

interface Parts {
  readonly cluster?: Record<string, unknown>;
  readonly user?: Record<string, unknown> | undefined;
  readonly context?: Record<string, unknown>;
  readonly top?: Record<string, unknown>;
}

function kubeconfig({ cluster, user = { token: 't' }, context, top }: Parts = {}): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    clusters: [{ name: 'prod', cluster: { server: 'https://api.example:6443', ...cluster } }],
    users: [{ name: 'me', user }],
    contexts: [{ name: 'c', context: { cluster: 'prod', user: 'me', ...context } }],
    ...top,
  });
}

const load = (parts: Parts) => loadClusterAccess({ kubeconfigPath: file('config', kubeconfig(parts)) }, systemClock);

async function failure(sources: AccessSources): Promise<OperatorError> {
  const thrown = await loadClusterAccess(sources, systemClock).catch((error: unknown) => error);
  if (thrown instanceof OperatorError) return thrown;
  throw new Error(`no OperatorError but ${String(thrown)}`);
}

describe('loadClusterAccess from a kubeconfig', () => {
  it('reads server, token, CA and namespace', async () => {
    const access = await load({
      cluster: { 'certificate-authority-data': base64(pem) },
      context: { namespace: 'team' },
    });
    expect(access.server.href).toBe('https://api.example:6443/');
    expect(access.tls()).toEqual({ caPem: pem });
    expect(access.namespace).toBe('team');
    expect(access.credentials.authorization()).toBe('Bearer t');
  });

  it('reads files relative to the kubeconfig', async () => {
    file('ca.pem', pem);
    file('me.crt', pem);
    file('me.key', '-----BEGIN KEY-----');
    const user = { 'client-certificate': 'me.crt', 'client-key': 'me.key' };
    const access = await load({ cluster: { 'certificate-authority': 'ca.pem' }, user });
    expect(access.tls()).toEqual({ caPem: pem.trim(), certPem: pem, keyPem: '-----BEGIN KEY-----' });
    expect(access.credentials.authorization()).toBeUndefined();
  });

  it('reads the CA file again when a minute has passed or a connection failed', async () => {
    const clock = new FakeClock();
    file('ca.pem', pem);
    const kubeconfigPath = file('ca-file', kubeconfig({ cluster: { 'certificate-authority': 'ca.pem' } }));
    const access = await loadClusterAccess({ kubeconfigPath }, clock);
    expect(access.tls().caPem).toBe(pem.trim());
    file('ca.pem', 'rolled');
    expect(access.tls().caPem).toBe(pem.trim());
    access.refreshTls?.();
    expect(access.tls().caPem).toBe('rolled');
    file('ca.pem', 'rolled again');
    await clock.advance(61_000);
    expect(access.tls().caPem).toBe('rolled again');
  });

  it('reads what changes how the server is reached', async () => {
    const cluster = { 'tls-server-name': 'other', 'insecure-skip-tls-verify': true, 'proxy-url': 'http://proxy:3128' };
    const access = await load({ cluster });
    expect(access.tls()).toEqual({ serverName: 'other', isUnverified: true });
    expect(access.proxyUrl?.host).toBe('proxy:3128');
  });

  it('reads user and password', async () => {
    const access = await load({ user: { username: 'u', password: 'p' } });
    expect(access.credentials.authorization()).toBe(`Basic ${base64('u:p')}`);
  });

  it('prefers tokenFile and reads it again when a minute has passed or the token was refused', async () => {
    const clock = new FakeClock();
    const tokenPath = file('token', 'one\n');
    const path = file('config', kubeconfig({ user: { tokenFile: 'token', token: 'fixed' } }));
    const { credentials } = await loadClusterAccess({ kubeconfigPath: path }, clock);
    expect(credentials.authorization()).toBe('Bearer one');
    writeFileSync(tokenPath, 'two');
    expect(credentials.authorization()).toBe('Bearer one');
    await clock.advance(61_000);
    expect(credentials.authorization()).toBe('Bearer two');
    writeFileSync(tokenPath, 'three');
    credentials.refused();
    expect(credentials.authorization()).toBe('Bearer three');
    rmSync(tokenPath);
    credentials.refused();
    expect(credentials.authorization()).toBe('Bearer three'); // while the file is being replaced
  });

  it('merges the files that KUBECONFIG names, the first winning, and passes over absent ones', async () => {
    const first = file(
      'first',
      stringify({ 'current-context': 'c', users: [{ name: 'me', user: { token: 'first' } }] }),
    );
    const second = file('second', kubeconfig({ user: { token: 'second' }, top: { 'current-context': 'other' } }));
    const kubeconfigVariable = [first, join(directory, 'absent'), second].join(':');
    const access = await loadClusterAccess({ kubeconfigVariable }, systemClock);
    expect(access.credentials.authorization()).toBe('Bearer first');
    expect(access.server.host).toBe('api.example:6443');
  });

  it('takes the context that is named, and says when there is none', async () => {
    const { contexts, ...rest } = parse(kubeconfig());
    const other = { name: 'other', context: { ...contexts[0].context, namespace: 'elsewhere' } };
    const path = file('contexts', stringify({ ...rest, contexts: [...contexts, other] }));
    expect(await contextNamespace({ kubeconfigPath: path, context: 'other' })).toBe('elsewhere');
    expect((await loadClusterAccess({ kubeconfigPath: path, context: 'other' }, systemClock)).namespace).toBe(
      'elsewhere',
    );
    await expect(loadClusterAccess({ kubeconfigPath: path, context: 'nope' }, systemClock)).rejects.toThrow(
      'context "nope" is not among contexts',
    );
    expect(await contextNamespace({ kubeconfigPath: join(directory, 'absent') })).toBeUndefined();
    expect(await contextNamespace({})).toBeUndefined();
  });

  it('runs the login program that the user entry names', async () => {
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'x1' },
    };
    const exec = {
      apiVersion: credential.apiVersion,
      command: process.execPath,
      args: ['-e', `console.log(${JSON.stringify(JSON.stringify(credential))})`],
      interactiveMode: 'Never',
    };
    const access = await load({ user: { exec } });
    expect(await access.credentials.authorization()).toBe('Bearer x1');
    access.credentials.refused();
    expect(await access.credentials.authorization()).toBe('Bearer x1');
  });

  it('reports a login program that fails without what it printed', async () => {
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', 'process.stderr.write("canary");process.exit(3)'],
    };
    const error = await failure({ kubeconfigPath: file('config', kubeconfig({ user: { exec } })) });
    expect(error.reason).toBe('InvalidCredential');
    expect(error.message).not.toContain('canary');
  });

  const broken: readonly { why: string; text: string; names: string[] }[] = [
    { why: 'is not YAML', text: 'a: [', names: [] },
    { why: 'is empty', text: '', names: [] },
    { why: 'has no current context', text: kubeconfig({ top: { 'current-context': '' } }), names: ['current-context'] },
    {
      why: 'names a context that is absent',
      text: kubeconfig({ top: { 'current-context': 'x' } }),
      names: ['current-context', '"x"'],
    },
    {
      why: 'names a cluster that is absent',
      text: kubeconfig({ context: { cluster: 'x' } }),
      names: ['contexts "c"', 'cluster', '"x"'],
    },
    {
      why: 'names a user that is absent',
      text: kubeconfig({ context: { user: 'x' } }),
      names: ['contexts "c"', 'user', '"x"'],
    },
    { why: 'has no server', text: kubeconfig({ cluster: { server: '' } }), names: ['clusters "prod"', 'server'] },
    { why: 'has a server that is no URL', text: kubeconfig({ cluster: { server: 'nowhere' } }), names: ['server'] },
    { why: 'has a socks proxy', text: kubeconfig({ cluster: { 'proxy-url': 'socks5://p' } }), names: ['proxy-url'] },
    {
      why: 'has CA data that are no PEM',
      text: kubeconfig({ cluster: { 'certificate-authority-data': 'AAAA' } }),
      names: ['certificate-authority-data'],
    },
    {
      why: 'names a CA file that is absent',
      text: kubeconfig({ cluster: { 'certificate-authority': 'no.pem' } }),
      names: ['certificate-authority', 'no.pem'],
    },
    {
      why: 'has a certificate without its key',
      text: kubeconfig({ user: { 'client-certificate-data': base64(pem) } }),
      names: ['users "me"', 'client-key'],
    },
    { why: 'has a token that is no string', text: kubeconfig({ user: { token: 12 } }), names: ['users "me"', 'token'] },
  ];
  for (const { why, text, names } of broken) {
    it(`names file and field of a kubeconfig that ${why}`, async () => {
      const kubeconfigPath = file('broken', text);
      const error = await failure({ kubeconfigPath });
      expect(error.reason).toBe('InvalidSpec');
      for (const name of [kubeconfigPath, ...names]) expect(error.message).toContain(name);
    });
  }

  it('names a kubeconfig that is not there', async () => {
    const path = join(directory, 'nowhere');
    expect((await failure({ kubeconfigPath: path })).message).toContain(path);
    expect((await failure({ kubeconfigVariable: path })).message).toContain(path);
  });
});

describe('loadClusterAccess in a pod', () => {
  it('uses the Service and the files of the ServiceAccount, and follows their changes', async () => {
    const clock = new FakeClock();
    file('token', 'one');
    file('ca.crt', pem);
    file('namespace', 'esc\n');
    const access = await loadClusterAccess({ pod: { host: 'fd00::1', port: '443', directory } }, clock);
    expect(access.server.hostname).toBe('[fd00::1]');
    expect(access.namespace).toBe('esc');
    expect(access.tls().caPem).toBe(pem.trim());
    file('token', 'two');
    file('ca.crt', 'rotated');
    await clock.advance(61_000);
    expect(access.credentials.authorization()).toBe('Bearer two');
    expect(access.tls().caPem).toBe('rotated');
    file('ca.crt', 'rotated again');
    access.refreshTls?.();
    expect(access.tls().caPem).toBe('rotated again');
  });

  it('names the file that is missing', async () => {
    const error = await failure({ pod: { host: 'h', port: '443', directory: join(directory, 'nowhere') } });
    expect(error).toMatchObject({ reason: 'InvalidCredential', message: expect.stringContaining('ca.crt') });
  });

  it("falls back to kubectl's own file in the home directory, after the pod", async () => {
    mkdirSync(join(directory, '.kube'), { recursive: true });
    writeFileSync(join(directory, '.kube', 'config'), 'no kubeconfig');
    expect((await failure({ home: directory })).message).toContain(join(directory, '.kube', 'config'));
    const pod = { host: 'h', port: '443', directory: join(directory, 'nowhere') };
    expect((await failure({ home: directory, pod })).message).toContain('ca.crt');
    expect((await failure({ home: join(directory, 'nowhere') })).message).toContain('--kubeconfig');
  });

  it('says what to give when there is nothing', async () => {
    expect((await failure({})).message).toContain('--kubeconfig');
  });
});
