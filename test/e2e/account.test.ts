// What the operator is let in by changes while it runs, as it does in every pod: its ServiceAccount token is replaced and the
// former one becomes worthless, and so is the CA of the API server. It goes on with the new ones, without a restart.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { kubeconfigWith, type RevocableToken, replaceFile, revocableToken } from '../support/account-kubeconfig.ts';
import { followAudit } from '../support/audit.ts';
import { createFleet } from '../support/fleet.ts';
import { type ApiAccess, ApiRefusal, createKubeApi } from '../support/kube-api.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { createCa, issue } from '../support/tls.ts';
import { pause, until } from '../support/wait.ts';
import { startWire } from '../support/wire.ts';

const controlPlane = inject('controlPlane');
const { auditLogPath, server, caPem } = controlPlane;
/** Within this time a write must get through again, whatever the tries before it waited for. */
const resumedWithinMs = 20_000;

const scenes: Scene[] = [];
afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.end();
});

/** An operator whose token and CA stand in files, and a fleet that is synced. */
async function setUp() {
  const ground = await createScene('account', { operator: false });
  scenes.push(ground);
  const folder = await mkdtemp(join(tmpdir(), 'escapement-account-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [caPath, tokenPath] = [join(folder, 'ca.crt'), join(folder, 'token')];
  const authorities = [createCa('former'), createCa('present')] as const;
  const certificates = authorities.map((ca) => issue(ca, { names: ['127.0.0.1'] }));
  const [former, present] = certificates;
  if (former === undefined || present === undefined) throw new Error('no certificates');
  const wire = await startWire({ server, tls: { certificate: former, caPem } });
  onTestFinished(() => wire.close());
  let account = '';
  let token: RevocableToken | undefined;
  const through = async (path: string) => {
    account = path;
    token = await revocableToken(ground.kubeconfig, path);
    await Promise.all([replaceFile(caPath, authorities[0].certPem), replaceFile(tokenPath, token.token)]);
    return kubeconfigWith(path, { server: wire.server, caPath, tokenPath });
  };
  const fleet = await createFleet(ground, { objects: 8, scopes: 2, refreshInterval: '2s' });
  const operator = await ground.startOperator(
    ['--enable-leader-election=true', `--leader-election-namespace=${ground.namespace}`],
    { through },
  );
  await until('all are synced', () => fleet.problems().length === 0, 30_000);
  if (token === undefined) throw new Error('no token');
  return {
    ground,
    fleet,
    operator,
    wire,
    token,
    mint: () => revocableToken(ground.kubeconfig, account),
    replaceToken: (text: string) => replaceFile(tokenPath, text),
    replaceCa: () => replaceFile(caPath, authorities[1].certPem),
    /** The API server shows the certificate of the new authority, and old connections end. */
    rollServer() {
      wire.certify(present);
      wire.reset();
    },
    /** A change upstream reaches the Secrets, and a new object gets one: writes and watches both work. */
    async expectWorks(key: string) {
      for (const name of fleet.names) fleet.change(name, key);
      const { spec } = ground.externalSecrets.get('es-0') ?? {};
      const name = `new-${key}`;
      const made = { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', metadata: { name }, spec };
      await ground.api.create(ground.address('ExternalSecret', name), made);
      await ground.whenSynced(name, resumedWithinMs);
      await until('the changes are there', () => fleet.problems().length === 0, resumedWithinMs);
    },
    /** Neither restarted, nor deposed, nor loud. */
    expectCalm() {
      const lines = operator.output().split('\n');
      expect(lines.filter((line) => line.includes('"starting"'))).toHaveLength(1);
      expect(lines.filter((line) => line.includes('"level":50'))).toEqual([]);
      expect(lines.filter((line) => line.includes('"level":40')).length).toBeLessThan(20);
    },
  };
}

describe('the token of the operator', () => {
  it('may be replaced, and the former one revoked', async () => {
    const { ground, operator, wire, token, mint, replaceToken, expectWorks, expectCalm } = await setUp();
    const refused = await refusals(ground);
    const next = await mint();
    await replaceToken(next.token);
    await token.revoke();
    await untilRefused(token);
    await expectWorks('k0');
    wire.reset(); // the watches begin anew, and with them every connection
    await expectWorks('k1');
    expectCalm();
    expect(operator.output()).not.toContain('leadership lost');
    const seen = await refused();
    say(`token replaced: ${seen} calls were refused`);
    // One for each of what was under way when it happened: watches, the lease, some writes.
    expect(seen).toBeGreaterThan(0);
    expect(seen).toBeLessThan(40);
  });

  it('may be late: what it stands for is tried again, not stormed', async () => {
    const { ground, token, wire, mint, replaceToken, expectWorks, expectCalm } = await setUp();
    const next = await mint();
    await token.revoke();
    await untilRefused(token);
    wire.reset();
    const refused = await refusals(ground);
    await pause(5_000);
    const seen = await refused();
    say(`token late by 5 s: ${seen} calls were refused`);
    expect(seen).toBeGreaterThan(0); // the test would show nothing otherwise
    expect(seen).toBeLessThan(120);
    await replaceToken(next.token);
    await expectWorks('k0');
    expectCalm();
  });
});

describe('the CA of the API server', () => {
  it('may be replaced before the server changes, and after it did', async () => {
    const { ground, wire, operator, replaceCa, rollServer, expectWorks, expectCalm } = await setUp();
    rollServer();
    await pause(3_000); // the file is late
    for (const name of ['healthz', 'readyz']) expect((await fetch(`${operator.healthUrl}/${name}`)).status).toBe(200);
    await replaceCa();
    await expectWorks('k0');
    expectCalm();
    wire.reset();
    await expectWorks('k1');
    expect(ground.secrets.history().filter(({ type }) => type === 'DELETED')).toEqual([]);
  });
});

/** How many calls the API server answered with 401 since. Those name nobody, hence all of the namespace are counted. */
async function refusals({ namespace }: Scene): Promise<() => Promise<number>> {
  const audit = auditLogPath === undefined ? undefined : await followAudit(auditLogPath);
  return async () => {
    const calls = (await audit?.calls()) ?? [];
    return calls.filter((call) => call.code === 401 && call.namespace === namespace).length;
  };
}

/** The API server remembers a token that was good for some seconds. */
async function untilRefused({ token }: RevocableToken): Promise<void> {
  const access: ApiAccess = { server, caPem, token };
  const api = createKubeApi(access);
  const isRefused = async () => {
    try {
      await api.list('Namespace');
      return false;
    } catch (thrown) {
      return thrown instanceof ApiRefusal && thrown.status === 401;
    }
  };
  try {
    await until('the former token is refused', isRefused, 30_000);
  } finally {
    api.close();
  }
}

function say(line: string): void {
  process.stdout.write(`account: ${line}\n`);
}
