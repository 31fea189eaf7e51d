// What people do with kubectl on the way from nothing to a Secret: the demo, and the commands of README and guides as they stand
// there. Each step says what it must have led to; it throws with kubectl's own words, or naming what is missing.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../control-plane/build.ts';
import { commandsOf, type Reader } from '../support/guides.ts';
import { startOperator } from '../support/operator.ts';

const root = join(import.meta.dirname, '..', '..');

export interface Step {
  /** As the table calls it. */
  readonly title: string;
  take(reader: Reader): Promise<void>;
}

/** In this order; each leaves the cluster as the next one needs it. */
export const steps: readonly Step[] = [
  { title: '`npm run demo`', take: demo },
  { title: '[five minutes](start.md)', take: fiveMinutes },
  { title: 'CRDs by hand', take: crdsByHand },
  { title: '`explain`', take: explain },
  { title: '`get -o wide`', take: wide },
  { title: '`apply -k`, `diff -k`', take: kustomize },
];

/** On the cluster of somebody, since there it is their kubectl that it runs. */
async function demo({ shell, workspace }: Reader): Promise<void> {
  const own = join(workspace, 'kubeconfig');
  await shell(`cp "$KUBECONFIG" '${own}'`);
  const printed = await shell(
    `ESCAPEMENT_CACHE='${cacheFolder()}' node '${join(root, 'scripts', 'demo.ts')}' --kubeconfig '${own}'`,
  );
  mustSay(printed, 'the Secret followed', 'demo');
  const left = await shell('kubectl get crds,namespaces --output name');
  if (/escapement|external-secrets/.test(left)) throw new Error(`the demo has left something: ${left}`);
}

async function fiveMinutes(reader: Reader): Promise<void> {
  const printed = await reader.walkStart();
  const all = [...printed.values()];
  for (const value of ['ada', 'the-api-key']) mustSay(all.join('\n'), value, 'guides/start.md');
  const listing = [...printed].find(([command]) => command.includes('--output wide'))?.[1] ?? '';
  for (const word of ['MESSAGE', 'secret synced', 'store validated']) mustSay(listing, word, 'get --output wide');
  await reader.shell('kubectl delete --filename deploy/crds');
}

/** On the client and on the server, one over the other: the guide has the first, the README the second. */
async function crdsByHand({ shell }: Reader): Promise<void> {
  const commands = await commandsOf('guides/install.md');
  for (const command of commands.filter((line) => line.includes('deploy/crds'))) await shell(command);
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const line = /^npx escapement .*\| kubectl .*$/m.exec(readme)?.[0] ?? '';
  mustSay(await shell(`cd '${root}' && ${line}`), 'externalsecrets.external-secrets.io serverside-applied', line);
}

async function explain({ shell }: Reader): Promise<void> {
  mustSay(await shell('kubectl explain externalsecret.spec.target.creationPolicy'), 'Owner', 'explain');
  mustSay(await shell('kubectl explain secretstore.spec.provider.infisical --recursive'), 'hostAPI', 'explain');
}

/** What a person looks at when something is wrong. */
async function wide({ shell, kubeconfig }: Reader): Promise<void> {
  const namespace = 'wide';
  await shell(`kubectl create namespace ${namespace}`);
  const operator = await startOperator({ kubeconfig, namespace });
  try {
    const cli = (command: string) => shell(`kubectl --namespace ${namespace} ${command}`);
    await cli('apply --filename docs/manifests/fake.yaml');
    await cli('wait --for=condition=Ready externalsecret/from-fake --timeout=20s');
    const patch = '[{"op":"replace","path":"/spec/data/0/remoteRef/key","value":"usr"}]';
    await cli(`patch externalsecret from-fake --type=json --patch='${patch}'`);
    await cli('wait --for=condition=Ready=False externalsecret/from-fake --timeout=20s');
    const listing = await cli('get externalsecrets,secretstores --output wide');
    for (const word of ['MESSAGE', '"usr"', 'store validated']) mustSay(listing, word, 'get --output wide');
    mustSay(await cli('describe externalsecret from-fake'), 'SecretSyncedError', 'describe');
    await cli('delete --filename docs/manifests/fake.yaml');
  } finally {
    await operator.stop();
  }
}

async function kustomize({ shell }: Reader): Promise<void> {
  await shell('kubectl apply --kustomize deploy/kustomize/base');
  await shell('kubectl diff --kustomize deploy/kustomize/base'); // exits with 1 when an apply would change anything
  const [rights = ''] = await commandsOf('security.md');
  mustSay(await shell(rights), '[get list watch create update delete]', rights);
  mustSay(await shell('kubectl kustomize examples/gitops/app'), 'kind: ExternalSecret', 'kustomize');
}

function mustSay(printed: string, word: string, where: string): void {
  if (!printed.includes(word)) throw new Error(`${where}: no ${word} in what it printed:\n${printed}`);
}
