// What the scenes with a real ESO play on: a control plane with an audit log and ESO's CRDs, an Infisical double, and Escapement's
// chart as helm installs it. Writes are counted in the audit log, by what each side calls itself.
import { z } from 'zod';
import { type ApiCall, type AuditTrail, countWrites, followAudit, writesOf } from '../support/audit.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { helm } from '../support/helm.ts';
import { type InfisicalDouble, startInfisicalDouble } from '../support/infisical-double/double.ts';
import { sampleSeed } from '../support/infisical-double/seed.ts';
import { installedRelease } from '../support/installation.ts';
import { createKubeApi, type KubeApi } from '../support/kube-api.ts';
import { applyCrds, applyYaml, kubectl, listOf } from '../support/kubectl.ts';
import { type Operator, startOperator } from '../support/operator.ts';
import { chartFolder } from '../support/rendered-chart.ts';
import { type SampleManifest, secret, store } from '../support/samples.ts';
import { until } from '../support/wait.ts';
import { builtEso } from './build.ts';
import { type Eso, esoUserAgent, startEso } from './eso.ts';

/** Where the release of Escapement's chart goes. */
export const releaseNamespace = 'escapement-system';
/** The class that docs/migrating-from-eso.md gives to Escapement while both run. */
export const ourClass = 'escapement';

const leasePatienceMs = 30_000;

/** Resource version by `Kind/name`. */
export type Versions = Readonly<Record<string, string>>;
export type WriteCounts = Readonly<Record<string, number>>;

export interface Stage {
  /** `https://127.0.0.1:port`, and what to trust there. */
  readonly server: string;
  readonly caPem: string;
  readonly api: KubeApi;
  readonly double: InfisicalDouble;
  say(line: string): void;
  cli(...args: string[]): Promise<string>;
  namespace(name: string, labels?: Readonly<Record<string, string>>): Promise<void>;
  apply(namespace: string, ...manifests: readonly object[]): Promise<void>;
  /** Credentials of the double's identity as Secret `credentials`, and a store of class `controller` that uses them. */
  infisicalStore(name: string, controller: string): readonly SampleManifest[];
  startEso(): Promise<Eso>;
  /** `helm upgrade --install` with the chart's own CRDs as they come, and the operator with what was installed, once it leads. */
  install(values: readonly string[], flags?: readonly string[]): Promise<Operator>;
  uninstall(): Promise<void>;
  /** Waits until all objects of the kinds (as kubectl knows them) are Ready. */
  synced(namespace: string, ...kinds: readonly string[]): Promise<void>;
  /** Forgets the calls until now. */
  restartTrails(): Promise<void>;
  writes(side: 'ours' | 'theirs', namespace: string): Promise<WriteCounts>;
  /** All writes of a side outside of some namespaces; cluster-scoped ones have the namespace ''. */
  writesElsewhere(side: 'ours' | 'theirs', ...namespaces: readonly string[]): Promise<readonly ApiCall[]>;
  /** Of ExternalSecrets, stores, PushSecrets and Secrets of a namespace. */
  versions(namespace: string): Promise<Versions>;
  /** Of CRDs and cluster-scoped kinds of ESO. */
  clusterVersions(): Promise<Versions>;
  end(): Promise<void>;
}

const versionList = z.object({
  items: z.array(z.object({ kind: z.string(), metadata: z.object({ name: z.string(), resourceVersion: z.string() }) })),
});

/** Builds the stage, with everything but the two operators. Throws an Error of one line when Go or helm is missing. */
export async function raiseStage(say: (line: string) => void): Promise<Stage> {
  const onProgress = (line: string) => say(`  ${line}`);
  const eso = await builtEso(onProgress);
  const cluster = await startControlPlane({ audit: true, onProgress });
  try {
    await applyCrds(eso.crds, { kubeconfig: cluster.kubeconfigPath });
    return await stageOn(cluster, eso.program, say);
  } catch (thrown) {
    await cluster.stop();
    throw thrown;
  }
}

async function stageOn(cluster: ControlPlane, esoProgram: string, say: (line: string) => void): Promise<Stage> {
  const { kubeconfigPath: kubeconfig, auditLogPath = '' } = cluster;
  const api = createKubeApi(cluster);
  const double = await startInfisicalDouble({ seed: sampleSeed() });
  const clientSecret = double.identities.addClientSecret('operator');
  const trails: Readonly<Record<'ours' | 'theirs', AuditTrail>> = {
    ours: await followAudit(auditLogPath),
    theirs: await followAudit(auditLogPath, esoUserAgent),
  };
  const cli = async (...args: string[]) => (await kubectl(args, { kubeconfig })).stdout;
  const listVersions = async (...args: string[]) => {
    const { items } = versionList.parse(JSON.parse(await cli('get', ...args, '-o', 'json')));
    return Object.fromEntries(
      items.map(({ kind, metadata }) => [`${kind}/${metadata.name}`, metadata.resourceVersion]),
    );
  };
  const running = new Set<Eso | Operator>();
  const kept = <T extends Eso | Operator>(process: T): T => {
    running.add(process);
    return process;
  };
  return {
    server: cluster.server,
    caPem: cluster.caPem,
    api,
    double,
    say,
    cli,
    async namespace(name, labels = {}) {
      await applyYaml(JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }), {
        kubeconfig,
      });
    },
    async apply(namespace, ...manifests) {
      await kubectl(['apply', '-n', namespace, '-f', '-'], { kubeconfig, stdin: listOf(manifests) });
    },
    infisicalStore(name, controller) {
      const { clientId } = double.identities.get('operator');
      return [
        secret('credentials', { clientId, clientSecret }),
        store({ name, hostAPI: double.url, spec: { controller } }),
      ];
    },
    startEso: async () => kept(await startEso(esoProgram, kubeconfig)),
    async install(values, flags = []) {
      const release = ['escapement', '-n', releaseNamespace];
      const settings = ['insecureUpstreamHosts={127.0.0.1}', ...values].map((value) => `--set=${value}`);
      await helm(['upgrade', '--install', ...release, chartFolder, '--create-namespace', ...settings, ...flags], {
        kubeconfig,
      });
      const { stdout: manifest } = await helm(['get', 'manifest', ...release], { kubeconfig });
      const installation = await installedRelease(kubeconfig, releaseNamespace, manifest);
      const operator = kept(await startOperator({ kubeconfig, installation }));
      // A release that was removed together with its rights leaves a lease that has to run out.
      await until(
        'our operator leads',
        async () => (await operator.metric('escapement_leader')) === 1,
        leasePatienceMs,
      );
      return operator;
    },
    async uninstall() {
      await helm(['uninstall', 'escapement', '-n', releaseNamespace], { kubeconfig });
    },
    async synced(namespace, ...kinds) {
      await cli('wait', '-n', namespace, kinds.join(','), '--all', '--for=condition=Ready', '--timeout=30s');
    },
    async restartTrails() {
      await Promise.all(Object.values(trails).map((trail) => trail.restart()));
    },
    writes: async (side, namespace) => countWrites(await trails[side].calls(), namespace),
    async writesElsewhere(side, ...namespaces) {
      const calls = await trails[side].calls();
      const elsewhere = new Set(calls.map(({ namespace }) => namespace).filter((one) => !namespaces.includes(one)));
      return [...elsewhere].flatMap((namespace) => writesOf(calls, namespace));
    },
    versions: (namespace) => listVersions('externalsecrets,secretstores,pushsecrets,secrets', '-n', namespace),
    clusterVersions: () => listVersions('crds,clustersecretstores,clusterexternalsecrets'),
    async end() {
      for (const process of running) await process.stop().catch(() => {});
      api.close();
      await double.stop();
      await cluster.stop();
    },
  };
}

/** Names whose version differs, or that are on one side only; sorted. */
export function changed(before: Versions, after: Versions): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]).sort();
}

export function told(counts: WriteCounts): string {
  const entries = Object.entries(counts).map(([what, count]) => `${what} ×${count}`);
  return entries.length === 0 ? 'nothing' : entries.join(', ');
}

/** What a Secret holds under `value`; undefined when there is no such Secret. */
export async function secretValue({ api }: Stage, namespace: string, name: string): Promise<string | undefined> {
  const found = await api.get({ kind: 'Secret', namespace, name });
  return found && Buffer.from(found.data?.['value'] ?? '', 'base64').toString();
}
