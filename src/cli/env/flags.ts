// Flags that the commands of `escapement env` share, and what they say.
import type { Arguments, Flag } from '../arguments.ts';
import type { Wanted } from './open.ts';
import { readImportsFrom } from './subject.ts';

const sourceFlags = {
  namespace: {
    kind: 'text',
    short: 'n',
    value: 'NAME',
    help: 'namespace of names without one; default: that of the context',
  },
  context: { kind: 'text', value: 'NAME', help: 'context of the kubeconfig; default: its current one' },
  kubeconfig: { kind: 'text', value: 'FILE', help: 'kubeconfig; default: KUBECONFIG, else ~/.kube/config' },
  dir: {
    kind: 'text',
    short: 'd',
    value: 'DIR',
    help: 'take names for files below this directory: base is DIR/base.yaml',
  },
  'imports-from': {
    kind: 'text',
    value: 'WHERE',
    help: 'where imports of files are that no file has: cluster, or pulumi:ORGANIZATION',
  },
} as const satisfies Record<string, Flag>;

export const keyFlags = {
  'key-file': { kind: 'text', value: 'FILE', help: 'the key of encrypted secrets: 32 bytes, as they are or in base64' },
  'key-secret': { kind: 'text', value: 'NAME/KEY', help: 'the same, in a Secret of the namespace' },
} as const satisfies Record<string, Flag>;

export const showSecretsFlag: Flag = {
  kind: 'boolean',
  help: 'show values that are secret',
};

export const environmentFlags = { ...sourceFlags, ...keyFlags };
export const clusterFlags = {
  namespace: sourceFlags.namespace,
  context: sourceFlags.context,
  kubeconfig: sourceFlags.kubeconfig,
};

export const subjects = [
  'ENV is a file (dev.yaml, ./dev, - for what comes in), the name of an Environment of the cluster (dev, my-app/dev),',
  'read with your own rights, or pulumi:ORGANIZATION/PROJECT/NAME[@VERSION], read with PULUMI_ACCESS_TOKEN. A file is a',
  "document of ESC, a manifest of Environments (env.yaml#my-app/dev chooses one of several), or a stack's settings of Pulumi",
  '(Pulumi.dev.yaml), whose `environment` list is merged in order, `config` over its pulumiConfig. Imports of a file are files',
  'beside it: base is base.yaml, infra/base is infra/base.yaml there or one directory up. An import may be cluster:my-app/dev or',
  'a name of Pulumi Cloud as above, and is opened there; --imports-from says where to look for all that no file has.',
].join('\n');

export function wantedOf(args: Arguments, mode: 'check' | 'open', showSecrets: boolean): Wanted {
  const directory = args.text('dir');
  const from = args.text('imports-from');
  const importsFrom = from === undefined ? undefined : readImportsFrom(from);
  return {
    mode,
    showSecrets,
    directory,
    importsFrom,
    keyFile: args.text('key-file'),
    keySecret: args.text('key-secret'),
  };
}
