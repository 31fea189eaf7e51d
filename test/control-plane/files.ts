// The files of one control plane: what its programs read (keys, tokens, audit policy) and what its users read
// (kubeconfig, a kubectl wrapper). Nothing here starts anything.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from './commands.ts';
import { auditPolicy, layout } from './flags.ts';

/**
 * Writes what the programs need before they start, and gives the administrator's bearer token.
 * Keys and tokens of an earlier run in the same directory stay valid.
 */
export async function writeServerFiles(directory: string, { audit }: { audit: boolean }): Promise<{ token: string }> {
  const path = (name: string): string => join(directory, name);
  await mkdir(path(layout.certificates), { recursive: true, mode: 0o700 });
  if (!existsSync(path(layout.serviceAccountKey))) await writePrivate(path(layout.serviceAccountKey), newRsaKey());
  if (!existsSync(path(layout.tokens))) {
    // token, user name, user id, groups: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
    const row = `${randomBytes(24).toString('base64url')},admin,admin,"system:masters"\n`;
    await writePrivate(path(layout.tokens), row);
  }
  if (audit) await writePrivate(path(layout.auditPolicy), JSON.stringify(auditPolicy()));
  const token = (await readFile(path(layout.tokens), 'utf8')).split(',')[0];
  if (!token) throw new Error(`test control plane: "${path(layout.tokens)}" holds no token; remove the file`);
  return { token };
}

export interface Access {
  readonly server: string;
  readonly caPem: string;
  readonly token: string;
  readonly kubectl: Command;
}

/** Writes the kubeconfig, and beside it an executable `kubectl` that uses it unless told otherwise. */
export async function writeClientFiles(directory: string, access: Access): Promise<void> {
  const path = (name: string): string => join(directory, name);
  await writePrivate(path(layout.kubeconfig), `${JSON.stringify(kubeconfig(access), undefined, 2)}\n`);
  const wrapper = [
    '#!/bin/sh',
    `export KUBECONFIG="\${KUBECONFIG:-${path(layout.kubeconfig)}}"`,
    // Addresses of test control planes come back with other CRDs behind them: a shared discovery cache would be stale.
    `export KUBECACHEDIR="${path(layout.kubectlCache)}"`,
    `exec ${access.kubectl.map((word) => `'${word}'`).join(' ')} "$@"`,
  ];
  await writeFile(path(layout.kubectl), `${wrapper.join('\n')}\n`);
  await chmod(path(layout.kubectl), 0o755);
}

/** JSON is YAML, and needs no library to be quoted right. */
function kubeconfig({ server, caPem, token }: Access): unknown {
  const name = 'control-plane';
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server, 'certificate-authority-data': Buffer.from(caPem).toString('base64') } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  };
}

function newRsaKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

async function writePrivate(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
}
