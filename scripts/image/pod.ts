// What a kubelet would make of the chart's Deployment, as flags of `podman run`: user, read-only root, no capabilities, memory, the
// ServiceAccount's files, the environment. Network is the host's, because the test control plane listens on loopback.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { installChart } from '../../test/support/installation.ts';
import { renderChart } from '../../test/support/rendered-chart.ts';

const podTemplate = z.object({
  spec: z.object({
    template: z.object({
      spec: z.object({
        securityContext: z.object({
          runAsUser: z.int(),
          runAsGroup: z.int(),
          seccompProfile: z.object({ type: z.literal('RuntimeDefault') }), // podman's default is a like one
        }),
        containers: z.tuple([
          z.object({
            resources: z.object({ limits: z.object({ memory: z.templateLiteral([z.int(), 'Mi']) }) }),
            securityContext: z.object({
              allowPrivilegeEscalation: z.literal(false),
              readOnlyRootFilesystem: z.literal(true),
              capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
            }),
          }),
        ]),
      }),
    }),
  }),
});

const account = z.object({ users: z.tuple([z.object({ user: z.object({ token: z.string() }) })]) });
const accountMount = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface PodOptions {
  /** Of an administrator. */
  readonly kubeconfig: string;
  readonly namespace: string;
  /** `https://127.0.0.1:port` of the API server, and what to trust there. */
  readonly server: string;
  readonly caPem: string;
  /** Where the ServiceAccount's files go. */
  readonly folder: string;
}

export interface Pod {
  readonly flags: readonly string[];
  readonly args: readonly string[];
  readonly user: number;
  readonly memoryMib: number;
}

/** Installs the chart's account and roles in the namespace. Throws ZodError when the Deployment asks for less than is checked. */
export async function podOfChart({ kubeconfig, namespace, server, caPem, folder }: PodOptions): Promise<Pod> {
  const values = { scopedNamespace: namespace, insecureUpstreamHosts: ['127.0.0.1'] };
  const deployment = (await renderChart({ namespace, values })).find(({ kind }) => kind === 'Deployment');
  const { securityContext, containers } = podTemplate.parse(deployment).spec.template.spec;
  const { runAsUser, runAsGroup } = securityContext;
  const memoryMib = Number.parseInt(containers[0].resources.limits.memory, 10);
  const installation = await installChart({ kubeconfig, namespace, values });
  const [{ user }] = account.parse(JSON.parse(readFileSync(installation.kubeconfig, 'utf8'))).users;
  mkdirSync(folder);
  for (const [name, text] of Object.entries({ token: user.token, 'ca.crt': caPem, namespace })) {
    writeFileSync(join(folder, name), text, { mode: 0o644 });
  }
  const { hostname, port } = new URL(server);
  const env = { ...installation.env, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
  return {
    flags: [
      '--network=host',
      `--user=${runAsUser}:${runAsGroup}`,
      '--read-only',
      '--read-only-tmpfs=false',
      '--cap-drop=all',
      '--security-opt=no-new-privileges',
      `--memory=${memoryMib}m`,
      '--ulimit=nofile=4096:4096', // podman's own default is above what a restricted host allows
      '--ulimit=nproc=4096:4096',
      `--volume=${folder}:${accountMount}:ro`,
      ...Object.entries(env).map(([name, value]) => `--env=${name}=${value}`),
    ],
    args: installation.args,
    user: runAsUser,
    memoryMib,
  };
}
