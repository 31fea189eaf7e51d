// Where the programs of a control plane come from: the directory that KUBEBUILDER_ASSETS names, else our own Go
// program, which holds all of them. Callers start what they are given and never ask which it was.
import { access, constants } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { builtControlPlane, type Progress } from './build.ts';

/** A program and the arguments that come before all others. */
export type Command = readonly [program: string, ...leading: string[]];

export interface ControlPlaneCommands {
  readonly etcd: Command;
  readonly apiServer: Command;
  /** Absent from the assets that setup-envtest downloads. */
  readonly controllerManager: Command | undefined;
  readonly kubectl: Command;
}

/** Throws an Error with one line that names the way out when the programs cannot be had. */
export async function controlPlaneCommands(onProgress: Progress): Promise<ControlPlaneCommands> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets) return fromAssets(resolve(assets));
  const program = await builtControlPlane(onProgress);
  return {
    etcd: [program, 'etcd'],
    apiServer: [program, 'kube-apiserver'],
    controllerManager: [program, 'kube-controller-manager'],
    kubectl: [program, 'kubectl'],
  };
}

async function fromAssets(directory: string): Promise<ControlPlaneCommands> {
  const required = async (name: string): Promise<Command> => {
    const path = join(directory, name);
    if (await isExecutable(path)) return [path];
    throw new Error(
      `KUBEBUILDER_ASSETS: no executable "${name}" in "${directory}"; ` +
        'add it (setup-envtest downloads it), or unset KUBEBUILDER_ASSETS to build the programs with Go',
    );
  };
  const controllerManager = join(directory, 'kube-controller-manager');
  return {
    etcd: await required('etcd'),
    apiServer: await required('kube-apiserver'),
    controllerManager: (await isExecutable(controllerManager)) ? [controllerManager] : undefined,
    kubectl: await required('kubectl'),
  };
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
