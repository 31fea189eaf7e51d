// Gives every test file of the `cluster` project one control plane with our CRDs: a new one, or the cluster of the
// kubeconfig that ESCAPEMENT_TEST_KUBECONFIG names (as `npm run control-plane` leaves it, or any other).
// Tests read it with `inject('kubeconfigPath')` and `inject('controlPlane')`.
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { parse } from 'yaml';
import { z } from 'zod';
import { layout } from '../control-plane/flags.ts';
import { type ControlPlaneFacts, startControlPlane } from './control-plane.ts';
import { applyCrds, kubectl } from './kubectl.ts';
import { progressTo } from './progress.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    kubeconfigPath: string;
    controlPlane: ControlPlaneFacts;
  }
}

const crdDirectory = join(import.meta.dirname, '..', '..', 'deploy', 'crds');

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['ESCAPEMENT_TEST_KUBECONFIG'];
  if (given) {
    await hand(project, await factsOf(resolve(given)));
    return async () => {};
  }
  const onProgress = progressTo(process.stderr, 'control plane: ');
  const controlPlane = await startControlPlane({ audit: true, onProgress });
  try {
    await hand(project, factsAlone(controlPlane));
  } catch (cause) {
    await controlPlane.stop();
    throw cause;
  }
  return () => controlPlane.stop();
}

async function hand(project: TestProject, facts: ControlPlaneFacts): Promise<void> {
  await applyCrds(crdDirectory, { kubeconfig: facts.kubeconfigPath });
  project.provide('kubeconfigPath', facts.kubeconfigPath);
  project.provide('controlPlane', facts);
}

/** Functions cannot be handed to the processes that run the tests. */
function factsAlone(all: ControlPlaneFacts): ControlPlaneFacts {
  const { kubeconfigPath, server, caPem, token, hasControllerManager, kubectlPath, auditLogPath } = all;
  return { kubeconfigPath, server, caPem, token, hasControllerManager, kubectlPath, auditLogPath };
}

const kubeconfigView = z.object({
  clusters: z.tuple([z.object({ cluster: z.object({ server: z.url(), 'certificate-authority-data': z.base64() }) })]),
  users: z.tuple([z.object({ user: z.object({ token: z.string().min(1) }) })]),
});

/** Throws when the kubeconfig's current context has no CA or no bearer token, which tests talk to the server with. */
async function factsOf(kubeconfigPath: string): Promise<ControlPlaneFacts> {
  // Only kubectl knows all the ways of a kubeconfig: it merges, picks the context and inlines files.
  const flags = ['config', 'view', '--minify', '--flatten', '--raw', '-o', 'json'];
  const seen = kubeconfigView.safeParse(parse((await kubectl(flags, { kubeconfig: kubeconfigPath })).stdout));
  if (!seen.success) {
    throw new Error(
      `ESCAPEMENT_TEST_KUBECONFIG: "${kubeconfigPath}" needs a server, a CA and a user with a bearer token ` +
        `in its current context; missing: ${seen.error.issues.map((issue) => issue.path.join('.')).join(', ')}`,
    );
  }
  const { cluster } = seen.data.clusters[0];
  const beside = (name: string): string => join(dirname(kubeconfigPath), name);
  return {
    kubeconfigPath,
    server: cluster.server,
    caPem: Buffer.from(cluster['certificate-authority-data'], 'base64').toString('utf8'),
    token: seen.data.users[0].user.token,
    hasControllerManager: await hasDefaultServiceAccount(kubeconfigPath),
    kubectlPath: [existsSync(beside(layout.kubectl)) ? beside(layout.kubectl) : 'kubectl'],
    auditLogPath: existsSync(beside(layout.auditLog)) ? beside(layout.auditLog) : undefined,
  };
}

/** Only a controller manager makes one. */
async function hasDefaultServiceAccount(kubeconfig: string): Promise<boolean> {
  const flags = ['get', 'serviceaccount', 'default', '--namespace=default', '--ignore-not-found', '-o', 'name'];
  return (await kubectl(flags, { kubeconfig })).stdout.trim() !== '';
}
