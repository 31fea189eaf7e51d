// An API server that is away, or does not serve the kinds yet, or serves those of the External Secrets Operator: the operator
// says what it waits for, goes on by itself, and gets along.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { printCrds } from '../../src/cli/crds.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { inShapeOfEso } from '../support/eso-crds.ts';
import { createFleet, type FleetGround } from '../support/fleet.ts';
import { startInfisicalDouble } from '../support/infisical-double/double.ts';
import { createKubeApi } from '../support/kube-api.ts';
import { createNamespace, kubectl, untilEstablished } from '../support/kubectl.ts';
import { type Operator, runOperator, startOperator } from '../support/operator.ts';
import { condition, follow, pause, timed, until } from '../support/wait.ts';

const bundle = join(import.meta.dirname, '..', '..', 'dist', 'escapement.mjs');

describe('a cluster that is not ready for it', () => {
  let controlPlane: ControlPlane;

  beforeAll(async () => {
    controlPlane = await startControlPlane();
  });
  afterAll(() => controlPlane.stop());

  it('is waited for: the API server first, then the kinds, and then work begins', async () => {
    await controlPlane.stopApiServer();
    const operator = await runOperator([
      `--kubeconfig=${controlPlane.kubeconfigPath}`,
      '--enable-leader-election=false',
      '--insecure-upstream-hosts=127.0.0.1',
    ]);
    onTestFinished(async () => void (await operator.stop('SIGKILL')));
    await until('it waits for the API server', async () => (await readiness(operator)).body.includes('API server'));
    await pause(10_500);
    expect(await readiness(operator)).toMatchObject({ status: 503, body: expect.stringContaining('API server') });
    expect((await fetch(`${operator.healthUrl}/healthz`)).status).toBe(200);

    await controlPlane.startApiServer();
    const isToldOfKinds = async () => (await readiness(operator)).body.includes('CustomResourceDefinition');
    say(
      `API server back: told that the kinds are missing after ${await timed(() => until('the kinds are missed', isToldOfKinds))} ms`,
    );
    expect(await readiness(operator)).toMatchObject({ status: 503, body: expect.stringContaining('escapement crds') });

    await applyAsTold(controlPlane);
    const isReady = async () => (await readiness(operator)).status === 200;
    say(`kinds applied: ready after ${await timed(() => until('it is ready', isReady))} ms`);
    const ground = await groundOn(controlPlane, 'late');
    const fleet = await createFleet(ground, { objects: 4, scopes: 1 });
    await until('all are synced', () => fleet.problems().length === 0);
    expect(await operator.stop()).toBe(0);
  });

  it('is followed again after an outage of the API server, also by a leader that lost its lease by it', async () => {
    const ground = await groundOn(controlPlane, 'outage');
    const { namespace, double } = ground;
    const fleet = await createFleet(ground, { objects: 10, scopes: 2, refreshInterval: '2s' });
    const operator = await startOperator({
      kubeconfig: controlPlane.kubeconfigPath,
      namespace,
      flags: [
        '--enable-leader-election=true',
        '--leader-election-lease-duration=5s',
        '--leader-election-renew-deadline=4s',
        '--leader-election-retry-period=1s',
      ],
    });
    onTestFinished(async () => void (await operator.stop('SIGKILL')));
    await until('all are synced', () => fleet.problems().length === 0);

    for (const outage of outages) {
      ground.leave();
      double.requests.reset();
      await outage.begin(controlPlane);
      for (const name of fleet.names) fleet.change(name, 'k0');
      await pause(6_000);
      expect(await operator.metric('escapement_leader')).toBe(0);
      await outage.end(controlPlane);
      const tookMs = await timed(async () => {
        await ground.join();
        await until('the changes are there', () => fleet.problems().length === 0, 60_000);
      });
      const { list, login } = double.requests.counts().byKind;
      say(`API server ${outage.name} for 6 s: followed ${tookMs} ms after its return; ${list} lists, ${login} logins`);
      expect(tookMs).toBeLessThan(15_000);
      expect(login).toBeLessThanOrEqual(1); // the session went with the leadership
      expect(list).toBeLessThanOrEqual(20);
      expect((await fetch(`${operator.healthUrl}/healthz`)).status).toBe(200);
    }

    ground.leave();
    await controlPlane.stopApiServer();
    const endMs = await timed(async () => expect(await operator.stop()).toBe(0));
    await controlPlane.startApiServer();
    say(`SIGTERM without an API server: ended after ${endMs} ms`);
    expect(endMs).toBeLessThan(10_000);
  });

  it("works with ESO's own CRDs, and says once what these leave out", async () => {
    await applyCrds(controlPlane, inShapeOfEso(printCrds()));
    const ground = await groundOn(controlPlane, 'compat');
    const { namespace, api, externalSecrets } = ground;
    const fleet = await createFleet(ground, { objects: 3, scopes: 1 });
    const operator = await startOperator({ kubeconfig: controlPlane.kubeconfigPath, namespace });
    onTestFinished(async () => void (await operator.stop('SIGKILL')));
    await until('all are synced', () => fleet.problems().length === 0);
    const wrong = {
      secretStoreRef: { kind: 'SecretStore', name: 'nowhere' },
      data: [{ secretKey: 'k', remoteRef: { key: 'K' } }],
    };
    await api.create({ kind: 'ExternalSecret', namespace, name: 'wrong' }, manifest('wrong', wrong));
    const isRed = await externalSecrets.until('wrong', 'is red', (es) => condition(es, 'Ready')?.status === 'False');
    expect(isRed.status?.conditions?.map(({ type }) => type)).toEqual(['Ready']);
    expect(isRed.status?.observedGeneration).toBeUndefined();
    // An edit takes Ready back before it is followed, as far as the kind can say it.
    const edited = { kind: 'ExternalSecret', namespace, name: 'es-0' } as const;
    await api.patch(edited, { spec: { data: [{ secretKey: 'k0', remoteRef: { key: 'K0_K1' } }] } });
    await ground.secrets.until('es-0', 'has one key', (secret) => Object.keys(secret.data ?? {}).length === 1);
    await externalSecrets.until('es-0', 'is green', (es) => {
      return condition(es, 'Ready')?.status === 'True' && (es.status?.syncedResourceVersion ?? '').startsWith('2-');
    });
    await pause(1_000);
    expect(operator.output().split('compatibility mode')).toHaveLength(2);
    expect(await operator.metric('escapement_reconcile_failures_total', 'TargetRejected')).toBe(0);
    expect(await operator.stop()).toBe(0);
  });
});

const outages = [
  {
    name: 'gone',
    begin: (controlPlane: ControlPlane) => controlPlane.stopApiServer(),
    end: (controlPlane: ControlPlane) => controlPlane.startApiServer(),
  },
  {
    name: 'frozen',
    begin: async (controlPlane: ControlPlane) => controlPlane.pauseApiServer(),
    end: async (controlPlane: ControlPlane) => controlPlane.resumeApiServer(),
  },
] as const;

interface Ground extends FleetGround {
  /** Ends the watches, before the API server goes. */
  leave(): void;
  /** Watches again. */
  join(): Promise<void>;
}

/** A namespace on a control plane of one's own, with a double. */
async function groundOn(controlPlane: ControlPlane, prefix: string): Promise<Ground> {
  const api = createKubeApi(controlPlane);
  const double = await startInfisicalDouble();
  const namespace = await createNamespace(prefix, { kubeconfig: controlPlane.kubeconfigPath });
  const followBoth = async () => ({
    externalSecrets: await follow(api, 'ExternalSecret', namespace),
    secrets: await follow(api, 'Secret', namespace),
  });
  // Refused while the server takes up a changed kind, and by connections of before an outage, which are still pooled.
  const tryToFollow = () => until('the API server is there', () => followBoth().catch(() => undefined));
  let followed = await tryToFollow();
  const leave = () => {
    followed.externalSecrets.stop();
    followed.secrets.stop();
  };
  onTestFinished(async () => {
    leave();
    await double.stop();
    api.close();
  });
  return {
    api,
    double,
    namespace,
    get externalSecrets() {
      return followed.externalSecrets;
    },
    get secrets() {
      return followed.secrets;
    },
    value: (label) => label,
    leave,
    async join() {
      followed = await tryToFollow();
    },
  };
}

/** What /readyz says: `escapement crds | kubectl apply -f -`, with the built program. */
async function applyAsTold({ kubeconfigPath, kubectlPath }: ControlPlane): Promise<void> {
  const words = (command: readonly string[]) => command.map((word) => `'${word}'`).join(' ');
  const pipe = `${words([process.execPath, bundle, 'crds'])} | ${words(kubectlPath)} apply -f -`;
  await promisify(execFile)('sh', ['-c', pipe], { env: { ...process.env, KUBECONFIG: kubeconfigPath } });
}

async function applyCrds({ kubeconfigPath: kubeconfig }: ControlPlane, manifests: string): Promise<void> {
  await kubectl(['apply', '-f', '-'], { kubeconfig, stdin: manifests });
  await untilEstablished(['-f', '-'], { kubeconfig, stdin: manifests });
}

async function readiness({ healthUrl }: Operator): Promise<{ status: number; body: string }> {
  const answer = await fetch(`${healthUrl}/readyz`).catch(() => undefined);
  return { status: answer?.status ?? 0, body: (await answer?.text()) ?? '' };
}

function manifest(name: string, spec: object): object {
  return { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', metadata: { name }, spec };
}

function say(line: string): void {
  process.stdout.write(`api-server: ${line}\n`);
}
