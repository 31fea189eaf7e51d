// The kubeconfig of an operator's account with parts of it replaced, as a pod's own files are while it runs: another address,
// a CA and a token that stand in files. And tokens of that account which can be made worthless at once.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decodeJwt } from 'jose';
import { z } from 'zod';
import { kubectl } from './kubectl.ts';

export interface Replaced {
  /** `https://host:port`. */
  readonly server?: string;
  /** A file with the CA, in place of the one that stands in the kubeconfig. */
  readonly caPath?: string;
  /** A file with the token, likewise. */
  readonly tokenPath?: string;
}

const kubeconfig = z.looseObject({
  clusters: z.tuple([z.looseObject({ cluster: z.looseObject({ server: z.string() }) })]),
  users: z.tuple([z.looseObject({ user: z.object({ token: z.string() }) })]),
});

/** Writes the changed kubeconfig beside the one that it is made from, and gives its path. */
export async function kubeconfigWith(path: string, { server, caPath, tokenPath }: Replaced): Promise<string> {
  const config = kubeconfig.parse(JSON.parse(await readFile(path, 'utf8')));
  const [{ cluster, ...clusterEntry }] = config.clusters;
  const [userEntry] = config.users;
  const { 'certificate-authority-data': _, ...bare } = cluster;
  const changed = {
    ...config,
    clusters: [
      {
        ...clusterEntry,
        cluster: {
          ...(caPath === undefined ? cluster : { ...bare, 'certificate-authority': caPath }),
          ...(server === undefined ? {} : { server }),
        },
      },
    ],
    users: [tokenPath === undefined ? userEntry : { ...userEntry, user: { tokenFile: tokenPath } }],
  };
  const beside = join(dirname(path), `changed-${Math.random().toString(36).slice(2)}`);
  await writeFile(beside, JSON.stringify(changed), { mode: 0o600 });
  return beside;
}

/** Replaces a file as the kubelet does: in one step. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

export interface RevocableToken {
  readonly token: string;
  /** The API server refuses it once what it remembers of it is over, which is 10 s. */
  revoke(): Promise<void>;
}

/** A token of the account that the kubeconfig speaks as. It is bound to a Secret of its own, and ends with that. */
export async function revocableToken(admin: string, account: string): Promise<RevocableToken> {
  const [{ user }] = kubeconfig.parse(JSON.parse(await readFile(account, 'utf8'))).users;
  const [, , namespace = '', name = ''] = (decodeJwt(user.token).sub ?? '').split(':'); // system:serviceaccount:…
  const cli = async (...args: string[]) =>
    (await kubectl(['--namespace', namespace, ...args], { kubeconfig: admin })).stdout.trim();
  const secret = `bound-${Math.random().toString(36).slice(2)}`;
  await cli('create', 'secret', 'generic', secret);
  const bound = ['--bound-object-kind=Secret', `--bound-object-name=${secret}`, '--duration=10m'];
  return {
    token: await cli('create', 'token', name, ...bound),
    revoke: async () => void (await cli('delete', 'secret', secret)),
  };
}
