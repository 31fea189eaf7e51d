import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { OperatorError } from '../base/operator-error.ts';
import { type AmbientRules, operatorIdentity } from './operator-identity.ts';
import type { Referrer } from './references.ts';

const { signal } = new AbortController();
const shop: Referrer = { kind: 'SecretStore', name: 's', namespace: 'shop', consumerNamespace: 'shop' };
const cluster: Referrer = { kind: 'ClusterSecretStore', name: 's', namespace: undefined, consumerNamespace: 'shop' };
const block = 'infisical.auth.kubernetesAuthCredentials';

const unused = () => Promise.reject(new Error('no cloud here'));
const clouds = { aws: unused, azureToken: unused, gcpIdToken: unused, gcpSignedJwt: unused };

function identity(rules: Partial<AmbientRules>, ownTokenPath = '/nowhere/token') {
  const none = { ambientIdentityHosts: [], ambientIdentityNamespaces: [], credentialDirectories: [] };
  return operatorIdentity({ ...none, ...rules }, clouds, ownTokenPath);
}

/** `allowed`, or the message of the refusal. */
function verdict(rules: Partial<AmbientRules>, user: Referrer, host: string): string {
  try {
    identity(rules).sources(user, host, block);
    return 'allowed';
  } catch (thrown) {
    expect(thrown).toMatchObject({ reason: 'IdentityDenied' });
    return (thrown as OperatorError).message;
  }
}

const hostFlag = '--ambient-identity-hosts (Helm value ambientIdentity.hosts)';
const namespaceFlag = '--ambient-identity-namespaces (Helm value ambientIdentity.namespaces)';

describe("hosts that see the operator's identity", () => {
  const everywhere = { ambientIdentityNamespaces: ['*'] };

  it.each<[entry: string, host: string]>([
    ['infisical.test', 'infisical.test'],
    ['Infisical.Test', 'infisical.test'],
    ['infisical.test.', 'infisical.test'],
    ['infisical.test', 'infisical.test:8443'],
    ['infisical.test:8443', 'infisical.test:8443'],
    ['infisical.test:443', 'infisical.test'],
    ['[fd00::1]', '[fd00::1]:8443'],
    ['fd00::1', '[fd00::1]:8443'],
    ['[FD00:0::1]:8443', '[fd00::1]:8443'],
    ['müller.test', 'xn--mller-kva.test'],
  ])('are listed: %s allows %s', (entry, host) => {
    expect(verdict({ ...everywhere, ambientIdentityHosts: [entry] }, shop, host)).toBe('allowed');
  });

  it.each<[why: string, entries: string[], host: string]>([
    ['an empty list', [], 'infisical.test'],
    ['another host', ['infisical.test'], 'evil.test'],
    ['a host below it', ['infisical.test'], 'evil.infisical.test'],
    ['a host that ends like it', ['infisical.test'], 'notinfisical.test'],
    ['a host that begins like it', ['infisical.test'], 'infisical.test.evil.test'],
    ['another port than the one listed', ['infisical.test:8443'], 'infisical.test:9443'],
    ['the usual port where another is listed', ['infisical.test:8443'], 'infisical.test'],
  ])('are refused otherwise: %s', (_, ambientIdentityHosts, host) => {
    const told = verdict({ ...everywhere, ambientIdentityHosts }, shop, host);
    for (const part of [block, `add "${host}" to ${hostFlag}`]) expect(told).toContain(part);
    expect(told).not.toContain(namespaceFlag);
  });

  it.each(['https://infisical.test', 'infisical.test/api', '*.test', 'user@infisical.test', 'fd00::1:x', 'a b'])(
    'cannot be listed as %j',
    (entry) => {
      expect(() => identity({ ambientIdentityHosts: [entry] })).toThrow(
        expect.objectContaining({
          reason: 'InvalidSpec',
          message: expect.stringContaining('--ambient-identity-hosts'),
        }),
      );
    },
  );
});

describe("namespaces that use the operator's identity", () => {
  const host = 'infisical.test';
  const ambientIdentityHosts = [host];

  it.each<[why: string, namespaces: string[], user: Referrer]>([
    ['one that is listed', ['other', 'shop'], shop],
    ['any of them by *', ['*'], shop],
    ['a cluster store, whoever consumes it', [], cluster],
    ['a cluster store that is validated', [], { ...cluster, consumerNamespace: undefined }],
  ])('are %s', (_, ambientIdentityNamespaces, user) => {
    expect(verdict({ ambientIdentityHosts, ambientIdentityNamespaces }, user, host)).toBe('allowed');
  });

  it.each<[why: string, namespaces: string[]]>([
    ['none is listed', []],
    ['another is listed', ['other']],
    ['a longer name is listed', ['shop-2']],
    ['a pattern is listed', ['sh*']],
  ])('are no others: %s', (_, ambientIdentityNamespaces) => {
    const told = verdict({ ambientIdentityHosts, ambientIdentityNamespaces }, shop, host);
    for (const part of [block, `add "shop" to ${namespaceFlag}`]) expect(told).toContain(part);
    expect(told).not.toContain(hostFlag);
  });

  it('are told together with the host, so that one repair is enough', () => {
    const told = verdict({}, shop, 'evil.test');
    for (const part of [hostFlag, namespaceFlag]) expect(told).toContain(part);
  });
});

describe("the operator's own token", () => {
  async function ownFile(content: string) {
    const directory = await mkdtemp(join(tmpdir(), 'own-token-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const path = join(directory, 'token');
    await writeFile(path, content);
    return path;
  }

  it('is read from where the kubelet puts it, trimmed, whatever directories are listed', async () => {
    const path = await ownFile('header.payload.signature\n');
    const { serviceAccountTokenFile } = identity({ ambientIdentityHosts: ['h'] }, path).sources(cluster, 'h', block);
    expect((await serviceAccountTokenFile(undefined, block, signal)).text()).toBe('header.payload.signature');
    await writeFile(path, 'the.next.one');
    expect((await serviceAccountTokenFile(undefined, block, signal)).text()).toBe('the.next.one');
  });

  it('is missed with a reason when the operator runs outside a pod', async () => {
    const { serviceAccountTokenFile } = identity({ ambientIdentityHosts: ['h'] }, '/nowhere/token').sources(
      cluster,
      'h',
      block,
    );
    await expect(serviceAccountTokenFile(undefined, block, signal)).rejects.toMatchObject({
      reason: 'InvalidCredential',
      message: expect.stringContaining('/nowhere/token'),
    });
  });

  it('is another file, in a listed directory, when a path is given', async () => {
    const path = await ownFile(' projected.token.here \n');
    const rules = { ambientIdentityHosts: ['h'], credentialDirectories: [join(path, '..')] };
    const { serviceAccountTokenFile } = identity(rules).sources(cluster, 'h', block);
    expect((await serviceAccountTokenFile(path, 'auth.path', signal)).text()).toBe('projected.token.here');
    const denied = identity({ ambientIdentityHosts: ['h'] }).sources(cluster, 'h', block);
    await expect(denied.serviceAccountTokenFile(path, 'auth.path', signal)).rejects.toMatchObject({
      reason: 'IdentityDenied',
    });
  });
});

describe('a parameter that the user’s namespace would choose', () => {
  it.each([
    [[], 'IdentityDenied'],
    [['other'], 'IdentityDenied'],
    [['shop'], undefined],
    [['*'], undefined],
  ])('with %j listed is %s', (ambientIdentityNamespaces, reason) => {
    let seen: unknown;
    try {
      identity({ ambientIdentityNamespaces }).checkChooser(cluster, `${block}.identityId`);
    } catch (thrown) {
      seen = thrown;
    }
    expect((seen as OperatorError | undefined)?.reason).toBe(reason);
    if (seen !== undefined) expect(seen).toMatchObject({ message: expect.stringContaining('identityId.namespace') });
  });
});
