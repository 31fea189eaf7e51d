// What an end-to-end test plays in: a namespace of its own, an Infisical double, the built operator limited to that
// namespace, and eyes on all that happens there. Its end also looks whether a secret value showed where it must not.
import { expect, inject } from 'vitest';
import { createMarker, type Leak, leaks } from './canary.ts';
import { type DoubleOptions, type InfisicalDouble, startInfisicalDouble } from './infisical-double/double.ts';
import { type ApiObject, createKubeApi, type KindName, type KubeApi, type ObjectAddress } from './kube-api.ts';
import { createNamespace, kubectl } from './kubectl.ts';
import { type Operator, type OperatorOptions, startOperator } from './operator.ts';
import type { ChartValues } from './rendered-chart.ts';
import { type Follower, follow, isFailed, isReady, type Seen, until } from './wait.ts';

/** A manifest, as an object or as YAML text (which may hold several). */
export type Manifest = string | Readonly<Record<string, unknown>>;

export interface SceneOptions {
  readonly double?: Pick<DoubleOptions, 'tls' | 'generation' | 'limits'>;
  readonly flags?: readonly string[];
  /** Values of the chart that the operator is installed with: rights that it does not have by default. */
  readonly values?: ChartValues;
  readonly env?: Readonly<Record<string, string>>;
  /** False leaves it to the test to start the operator (`startOperator`). Default true. */
  readonly operator?: boolean;
}

/** A manifest as an object, of a kind that the tests' client knows. */
export interface KindedManifest extends Readonly<Record<string, unknown>> {
  readonly kind: KindName;
  readonly metadata: { readonly name: string } & Readonly<Record<string, unknown>>;
}

export type FollowedKind = 'ExternalSecret' | 'SecretStore' | 'Secret';

export interface Scene {
  readonly namespace: string;
  readonly kubeconfig: string;
  readonly api: KubeApi;
  readonly double: InfisicalDouble;
  /** The scene's own class: cluster-scoped stores carry it, so that operators of other tests leave them alone. */
  readonly controllerClass: string;
  readonly externalSecrets: Follower;
  readonly stores: Follower;
  readonly secrets: Follower;
  readonly events: Follower;
  /** The operator that runs, or the last one that did. */
  operator(): Operator;
  /** Starts the operator (again); `env` comes on top of the scene's own. */
  startOperator(
    flags?: readonly string[],
    apart?: Pick<OperatorOptions, 'through' | 'env' | 'launcher'>,
  ): Promise<Operator>;
  /** A secret value that the canary check knows; `label` tells it from others. */
  value(label: string): string;
  /** Applies manifests with kubectl, all in one go; they go to the scene's namespace. */
  apply(...manifests: readonly Manifest[]): Promise<void>;
  /** Applies manifests as GitOps tools do, one after another; settles once the scene's own eyes have seen them. */
  put(...manifests: readonly KindedManifest[]): Promise<void>;
  address(kind: KindName, name: string): ObjectAddress;
  /** A merge patch of an ExternalSecret, SecretStore or Secret; settles once the scene's own eyes have seen it. */
  edit(kind: FollowedKind, name: string, patch: object): Promise<ApiObject>;
  /** The ExternalSecret once it is Ready=True for its present generation. */
  whenSynced(name: string, withinMs?: number): Promise<ApiObject>;
  /** The ExternalSecret once it is Ready=False for its present generation. */
  whenFailed(name: string, withinMs?: number): Promise<ApiObject>;
  /** The data of a Secret as text; undefined when it is not there. */
  secretData(name: string): Promise<Record<string, string> | undefined>;
  /** Events about one object, oldest first. */
  eventsOf(kind: string, name: string): readonly ApiObject[];
  /** Where a secret value showed, as far as can be seen from outside. */
  leaks(): Promise<readonly Leak[]>;
  /** Stops the operator (which must end well), checks for leaks, and removes what the scene made. */
  end(): Promise<void>;
}

/** Builds a scene; `prefix` names its namespace. */
export async function createScene(prefix: string, options: SceneOptions = {}): Promise<Scene> {
  const kubeconfig = inject('kubeconfigPath');
  const api = createKubeApi(inject('controlPlane'));
  const namespace = await createNamespace(prefix, { kubeconfig });
  const double = await startInfisicalDouble(options.double);
  const followers = {
    externalSecrets: await follow(api, 'ExternalSecret', namespace),
    stores: await follow(api, 'SecretStore', namespace),
    secrets: await follow(api, 'Secret', namespace),
    events: await follow(api, 'Event', namespace),
  };
  const marker = createMarker();
  const outputs: string[] = [];
  let running: Operator | undefined;

  const eyes: Partial<Record<KindName, Follower>> = {
    ExternalSecret: followers.externalSecrets,
    SecretStore: followers.stores,
    Secret: followers.secrets,
  };
  const seen = async (kind: KindName, { metadata: { name, resourceVersion } }: ApiObject) => {
    const isSeen = ({ object }: Seen) => BigInt(object.metadata.resourceVersion) >= BigInt(resourceVersion);
    await until(`${kind} "${name}" is seen`, () => eyes[kind]?.history(name).some(isSeen) ?? true);
  };

  const scene: Scene = {
    namespace,
    kubeconfig,
    api,
    double,
    controllerClass: namespace,
    ...followers,
    operator() {
      if (running === undefined) throw new Error('this scene has no operator');
      return running;
    },
    async startOperator(flags = [], { through, env, launcher } = {}) {
      running = await startOperator({
        kubeconfig,
        namespace,
        flags: [`--controller-class=${namespace}`, '--loglevel=debug', ...(options.flags ?? []), ...flags],
        ...(options.values === undefined ? {} : { values: options.values }),
        env: { ...options.env, ...env },
        launcher,
        ...(through === undefined ? {} : { through }),
        onOutput: (text) => outputs.push(text),
      });
      return running;
    },
    value: (label) => `${marker}-${label}`,
    async apply(...manifests) {
      const texts = manifests.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
      await kubectl(['apply', '-n', namespace, '-f', '-'], { kubeconfig, stdin: texts.join('\n---\n') });
    },
    async put(...manifests) {
      for (const manifest of manifests) {
        const { kind, metadata } = manifest;
        await seen(kind, await api.apply(scene.address(kind, metadata.name), manifest));
      }
    },
    address: (kind, name) =>
      kind === 'ClusterSecretStore' || kind === 'Namespace' ? { kind, name } : { kind, namespace, name },
    async edit(kind, name, patch) {
      const after = await api.patch(scene.address(kind, name), patch);
      await seen(kind, after);
      return after;
    },
    whenSynced: (name, withinMs) => followers.externalSecrets.until(name, 'is Ready=True', isReady, withinMs),
    whenFailed: (name, withinMs) => followers.externalSecrets.until(name, 'is Ready=False', isFailed, withinMs),
    async secretData(name) {
      const secret = await api.get({ kind: 'Secret', namespace, name });
      return secret && decoded(secret);
    },
    eventsOf: (kind, name) =>
      followers.events
        .values()
        .filter(({ involvedObject }) => involvedObject?.kind === kind && involvedObject.name === name),
    leaks: async () => leaks(await shownTexts(scene, outputs.join('')), [marker]),
    async end() {
      try {
        const leaked = await scene.leaks();
        const code = await running?.stop();
        expect(leaked.concat(leaks({ output: outputs.join('') }, [marker]))).toEqual([]);
        if (running !== undefined) expect(code).toBe(0);
      } finally {
        await tidy(scene, running);
      }
    },
  };
  if (options.operator ?? true) await scene.startOperator();
  return scene;
}

/** The data of a Secret as text. */
export function decoded(secret: ApiObject): Record<string, string> {
  const entries = Object.entries(secret.data ?? {});
  return Object.fromEntries(entries.map(([key, text]) => [key, Buffer.from(text, 'base64').toString('utf8')]));
}

/** All that somebody without a right to read Secrets may see. Specs are left out: they are the user's own words. */
async function shownTexts({ api, namespace, externalSecrets, stores, ...scene }: Scene, output: string) {
  const clusterStores = (await api.list('ClusterSecretStore')).items;
  const clusterEvents = (await api.list('Event', 'default')).items;
  const events = (await api.list('Event', namespace)).items;
  const told = [...externalSecrets.history(), ...stores.history()].map(({ object }) => object);
  return {
    output,
    events: JSON.stringify([...events, ...clusterEvents]),
    statuses: JSON.stringify(
      [...told, ...clusterStores].map(({ metadata, status }) => ({
        metadata: { ...metadata, annotations: {} },
        status,
      })),
    ),
    metrics: await fetch(scene.operator().metricsUrl).then(
      (answer) => answer.text(),
      () => '',
    ),
  };
}

async function tidy(
  { api, namespace, double, externalSecrets, stores, secrets, events }: Scene,
  operator: Operator | undefined,
) {
  await operator?.stop('SIGKILL');
  for (const follower of [externalSecrets, stores, secrets, events]) follower.stop();
  await double.stop();
  const mine = (await api.list('ClusterSecretStore')).items.filter(({ spec }) => spec?.['controller'] === namespace);
  for (const { metadata } of mine) await api.delete({ kind: 'ClusterSecretStore', name: metadata.name });
  await api.delete({ kind: 'Namespace', name: namespace });
  api.close();
}
