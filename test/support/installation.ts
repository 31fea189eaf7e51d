// Gives the operator what a pod of the chart's Deployment has: ServiceAccount and roles as rendered, a kubeconfig that holds
// nothing but a token of that account, arguments and environment of the container. So whatever the roles lack shows.
// All of it belongs to the served namespace (ownerReferences) and goes with it.
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { kubectl, listOf } from './kubectl.ts';
import {
  type ChartValues,
  containerOf,
  objectsOf,
  type RenderedObject,
  type Rule,
  renderChart,
} from './rendered-chart.ts';

export interface InstallationOptions {
  /** Of an administrator. */
  readonly kubeconfig: string;
  /** Where the release goes. */
  readonly namespace: string;
  readonly values: ChartValues;
}

export interface Installation {
  /** Speaks as the rendered ServiceAccount. */
  readonly kubeconfig: string;
  /** As rendered, `run` first. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A verb that is left out of the roles, as `secrets:create`; `scripts/rbac-proof.ts` sets it. */
const withoutVerb = process.env['ESCAPEMENT_TEST_WITHOUT_VERB'];
const tokenLifetime = '12h';
/** The API server sees roles and bindings a moment after they were written. */
const visibleWithinMs = 3_000;

const installed = new Map<string, Promise<Installation>>();

/** Installs once per cluster, namespace and values; the same is given again. Throws KubectlError, HelmError. */
export function installChart(options: InstallationOptions): Promise<Installation> {
  const key = JSON.stringify(options);
  const known = installed.get(key);
  if (known !== undefined) return known;
  const fresh = install(options);
  installed.set(key, fresh);
  fresh.catch(() => installed.delete(key));
  return fresh;
}

const kubeconfigView = z.object({
  clusters: z.tuple([z.object({ name: z.string(), cluster: z.looseObject({ server: z.string() }) })]),
});
type KubeconfigView = z.infer<typeof kubeconfigView>;

const viewArgs = ['config', 'view', '--minify', '--flatten', '--raw', '-o', 'json'];
/** Roles for people (`…:view`, `…:edit`) speak of the whole cluster and are no business of the operator. */
const accountKinds = new Set([
  'Secret',
  'ServiceAccount',
  'Role',
  'RoleBinding',
  'ClusterRole',
  'ClusterRoleBinding',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
]);

async function install({ kubeconfig, namespace, values }: InstallationOptions): Promise<Installation> {
  const cli = async (...args: string[]) => (await kubectl(args, { kubeconfig })).stdout;
  const [objects, uid, view] = await Promise.all([
    renderChart({ namespace, values }),
    cli('get', 'namespace', namespace, '-o', 'jsonpath={.metadata.uid}'),
    cli(...viewArgs),
  ]);
  const owner = { apiVersion: 'v1', kind: 'Namespace', name: namespace, uid };
  const account = objects.filter(isOfAccount).map(reduced);
  const owned = account.map((object) => ({ ...object, metadata: { ...object.metadata, ownerReferences: [owner] } }));
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], {
    kubeconfig,
    stdin: listOf(owned),
  });
  return accountOf({ kubeconfig, namespace, objects, view: kubeconfigView.parse(JSON.parse(view)) });
}

/** What helm has installed, as it says itself (`helm get manifest`). Throws KubectlError. */
export async function installedRelease(kubeconfig: string, namespace: string, manifest: string): Promise<Installation> {
  const { stdout } = await kubectl(viewArgs, { kubeconfig });
  const objects = objectsOf(manifest);
  return accountOf({ kubeconfig, namespace, objects, view: kubeconfigView.parse(JSON.parse(stdout)) });
}

interface Installed {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly objects: readonly RenderedObject[];
  readonly view: KubeconfigView;
}

/** A token of the ServiceAccount, once the API server grants it what the roles say. */
async function accountOf({ kubeconfig, namespace, objects, view }: Installed): Promise<Installation> {
  const { args, env, serviceAccountName } = containerOf(objects);
  const order = ['create', 'token', serviceAccountName, '--namespace', namespace, `--duration=${tokenLifetime}`];
  const token = (await kubectl(order, { kubeconfig })).stdout.trim();
  await untilAllowed(view, token, objects);
  const path = await writeKubeconfig(kubeconfig, view, token);
  return {
    kubeconfig: path,
    // The pod's own volume: it outlives the container, and no other release sees it.
    args: args.map((arg) => (arg.startsWith('--state-dir=') ? `--state-dir=${join(dirname(path), 'state')}` : arg)),
    env: Object.fromEntries(
      env.map(({ name, value, valueFrom }) => [
        name,
        value ?? podField(valueFrom?.fieldRef.fieldPath ?? '', namespace),
      ]),
    ),
  };
}

function isOfAccount({ kind, metadata }: RenderedObject): boolean {
  return accountKinds.has(kind) && !/:(view|edit)$/.test(metadata.name);
}

/** The object without the verb that the proof takes away. */
function reduced(object: RenderedObject): RenderedObject {
  if (withoutVerb === undefined || object.rules === undefined) return object;
  const [resource = '', verb = ''] = withoutVerb.split(':');
  const rules = object.rules.map((rule) =>
    rule.resources.includes(resource) ? { ...rule, verbs: rule.verbs.filter((one) => one !== verb) } : rule,
  );
  return { ...object, rules: rules.filter(({ verbs }) => verbs.length > 0) };
}

/** What the downward API would say: https://kubernetes.io/docs/concepts/workloads/pods/downward-api/ */
function podField(path: string, namespace: string): string {
  const fields: Readonly<Record<string, string>> = { 'metadata.name': 'escapement-0', 'metadata.namespace': namespace };
  const value = fields[path];
  if (value === undefined) throw new Error(`the chart reads the pod field "${path}", which this test does not know`);
  return value;
}

async function writeKubeconfig(kubeconfig: string, { clusters }: KubeconfigView, token: string): Promise<string> {
  const path = join(await folderFor(kubeconfig), 'kubeconfig');
  const [{ name }] = clusters;
  const users = [{ name: 'operator', user: { token } }];
  const contexts = [{ name: 'operator', context: { cluster: name, user: 'operator' } }];
  const config = { apiVersion: 'v1', kind: 'Config', clusters, users, contexts, 'current-context': 'operator' };
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}

/** Beside the kubeconfig of a control plane of ours, which removes its folder; for any other cluster one that goes with us. */
async function folderFor(kubeconfig: string): Promise<string> {
  if (existsSync(join(dirname(kubeconfig), 'kubectl'))) return await mkdtemp(join(dirname(kubeconfig), 'account-'));
  const folder = await mkdtemp(join(tmpdir(), 'escapement-account-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Waits until one right of every role is granted, or the time is over: a role whose first verb was taken away never is. */
async function untilAllowed(cluster: KubeconfigView, token: string, objects: readonly RenderedObject[]): Promise<void> {
  const account = objects.filter(isOfAccount).map(reduced);
  const untilMs = Date.now() + visibleWithinMs;
  const served = account.find(({ kind, metadata }) => kind === 'Role' && metadata.namespace !== undefined);
  for (const { rules = [], metadata } of account) {
    const [rule] = rules;
    if (rule === undefined) continue;
    const namespace = metadata.namespace ?? served?.metadata.namespace;
    while (Date.now() < untilMs && !(await isAllowed(cluster, token, rule, namespace))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const reviewAnswer = z.object({ status: z.object({ allowed: z.boolean() }) });

async function isAllowed(
  { clusters: [{ cluster }] }: KubeconfigView,
  token: string,
  rule: Rule,
  namespace: string | undefined,
): Promise<boolean> {
  const [resource, subresource] = (rule.resources[0] ?? '').split('/');
  const resourceAttributes = { group: rule.apiGroups[0], resource, subresource, verb: rule.verbs[0], namespace };
  const ca = z.string().optional().parse(cluster['certificate-authority-data']);
  const answer = await new Promise<string>((resolve, reject) => {
    const call = request(
      `${cluster.server}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews`,
      {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        rejectUnauthorized: cluster['insecure-skip-tls-verify'] !== true,
        ...(ca === undefined ? {} : { ca: Buffer.from(ca, 'base64') }),
      },
      (response) => void text(response).then(resolve, reject),
    );
    call.on('error', reject);
    call.end(
      JSON.stringify({
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes },
      }),
    );
  });
  return reviewAnswer.parse(JSON.parse(answer)).status.allowed;
}
