// Both operators in one cluster: ESO serves stores of class `default` and providers of its own, Escapement the stores of class
// `escapement`, as docs/migrating-from-eso.md says. Neither may change what belongs to the other, and uninstalling ours changes nothing.
import assert from 'node:assert/strict';
import type { Operator } from '../support/operator.ts';
import { entry, externalSecret } from '../support/samples.ts';
import { pause, until } from '../support/wait.ts';
import { clusterStore, fakeStore, kubernetesStore, pushing, spreading } from './manifests.ts';
import { changed, ourClass, releaseNamespace, type Stage, secretValue, told, type Versions } from './stage.ts';

const theirs = 'neighbour-eso';
const ours = 'neighbour-escapement';
const shared = 'neighbour-no-class';
/** Several refreshes of the ExternalSecrets that ask for one every 2 s. */
const quietMs = 7_000;
const oftenSpec = { refreshInterval: '2s' };
const finalizer = 'externalsecrets.external-secrets.io/externalsecret-cleanup';

/** ESO runs. Throws an AssertionError at the first thing that one side did to the other. */
export async function sideBySide(stage: Stage): Promise<void> {
  stage.say(
    "▸ ESO alone: stores of fake, kubernetes and Infisical, a cluster store, a push, a cluster's ExternalSecret",
  );
  await raiseTheirs(stage);
  const before = await everythingOf(stage);
  await stage.restartTrails();

  stage.say(`▸ Our chart beside it, with controllerClass=${ourClass}`);
  const operator = await stage.install([`controllerClass=${ourClass}`]);
  await raiseOurs(stage);
  await pause(quietMs);
  await neitherTouchedTheOther(stage, before);
  await changesAtTheSource(stage);
  await deletions(stage);
  await storeWithoutClass(stage);
  await uninstall(stage, operator);
}

async function raiseTheirs(stage: Stage): Promise<void> {
  await stage.namespace(theirs, { neighbour: 'eso' });
  const spec = { data: [entry('value', 'source', 'API_KEY')] };
  await stage.apply(
    theirs,
    fakeStore({ controller: 'default', value: 'first' }),
    clusterStore,
    ...kubernetesStore(stage, theirs),
    ...stage.infisicalStore('infisical', 'default'),
    externalSecret({ name: 'seldom' }),
    externalSecret({ name: 'often', spec: oftenSpec }),
    externalSecret({
      name: 'of-cluster-store',
      storeRef: { kind: 'ClusterSecretStore', name: clusterStore.metadata.name },
    }),
    externalSecret({ name: 'of-kubernetes', storeRef: { name: 'kubernetes' }, spec }),
    externalSecret({ name: 'of-infisical', storeRef: { name: 'infisical' } }),
    pushing,
    spreading,
  );
  const spread = async () => `ExternalSecret/${spreading.metadata.name}` in (await stage.versions(theirs));
  await until('ESO makes what the ClusterExternalSecret asks for', spread);
  await stage.synced(theirs, 'externalsecret', 'secretstore', 'pushsecret');
}

async function raiseOurs(stage: Stage): Promise<void> {
  await stage.namespace(ours);
  await stage.apply(
    ours,
    ...stage.infisicalStore('infisical', ourClass),
    fakeStore({ controller: ourClass, value: 'first' }),
    externalSecret({ name: 'seldom', storeRef: { name: 'infisical' } }),
    externalSecret({ name: 'often', storeRef: { name: 'infisical' }, spec: oftenSpec }),
    externalSecret({ name: 'of-fake' }),
  );
  await stage.synced(ours, 'externalsecret', 'secretstore');
  const sourceRef = { storeRef: { kind: 'ClusterSecretStore', name: clusterStore.metadata.name } };
  const data = [entry('ours', 'API_KEY'), { ...entry('theirs', 'API_KEY'), sourceRef }];
  await stage.apply(ours, externalSecret({ name: 'of-both-classes', spec: { data } }));
}

async function neitherTouchedTheOther(stage: Stage, before: Versions): Promise<void> {
  // ESO itself writes the status of what it refreshes, each time.
  assert.deepEqual(changed(before, await everythingOf(stage)), ['ExternalSecret/often']);
  const elsewhere = await stage.writesElsewhere('ours', ours);
  const isOurLease = ({ resource, namespace, name }: (typeof elsewhere)[number]) =>
    `${namespace} ${resource} ${name}` === `${releaseNamespace} leases escapement-controller`;
  assert.deepEqual(
    elsewhere.filter((call) => !isOurLease(call)),
    [],
  );
  const byEso = await stage.writes('theirs', ours);
  const externalSecrets = (await stage.api.list('ExternalSecret', ours)).items;
  assert.deepEqual(byEso, { 'update externalsecrets': externalSecrets.length });
  assert.deepEqual(await stage.writesElsewhere('theirs', ours, theirs), []);
  for (const { metadata, status } of externalSecrets) {
    assert.deepEqual(metadata.finalizers, [finalizer]);
    assert.equal(status?.conditions?.length ?? 0, metadata.name === 'of-both-classes' ? 0 : 1, metadata.name);
  }
  stage.say(`  in ${quietMs / 1_000} s: ours on ESO's objects: nothing; ESO on ours: ${told(byEso)} (its finalizer)`);
  const byUs = await stage.writes('ours', ours);
  assert.equal(byUs['create secrets'], 3);
  stage.say(`  ours on ours: ${told(byUs)}`);
}

async function changesAtTheSource(stage: Stage): Promise<void> {
  stage.say('▸ A change at the source of each');
  await stage.restartTrails();
  stage.double.secrets.set({ environment: 'dev', path: '/', key: 'API_KEY', value: 'second' });
  await stage.apply(theirs, fakeStore({ controller: 'default', value: 'second' }));
  await until('our Secret follows', async () => (await secretValue(stage, ours, 'often')) === 'second');
  await until("ESO's Secret follows", async () => (await secretValue(stage, theirs, 'often')) === 'second');
  assert.deepEqual(await stage.writes('ours', theirs), {});
  assert.deepEqual(await stage.writes('theirs', ours), {});
}

/** ESO's finalizer is on our objects too, and ESO takes it off again. */
async function deletions(stage: Stage): Promise<void> {
  stage.say('▸ Deleting an ExternalSecret of each');
  const objects = [
    { namespace: ours, name: 'of-fake' },
    { namespace: theirs, name: 'of-kubernetes' },
  ];
  for (const { namespace, name } of objects) {
    await stage.cli('delete', 'externalsecret', name, '-n', namespace, '--timeout=20s');
    const isGone = async () => (await stage.api.get({ kind: 'Secret', namespace, name })) === undefined;
    await until(`Secret "${name}" goes with its ExternalSecret`, isGone);
  }
  assert.deepEqual(await stage.writes('ours', theirs), {});
}

/** Against the advice of the guide, both serve it: they must agree on the Secret instead of writing in turns. */
async function storeWithoutClass(stage: Stage): Promise<void> {
  stage.say('▸ A store without a class, which both serve');
  await stage.namespace(shared);
  await stage.apply(
    shared,
    fakeStore({ value: 'first' }),
    externalSecret({ name: 'seldom' }),
    externalSecret({ name: 'often', spec: oftenSpec }),
  );
  await stage.synced(shared, 'externalsecret');
  await pause(quietMs); // whoever was second has come round
  const settled = await secretsOf(stage, shared);
  await stage.restartTrails();
  await pause(quietMs);
  assert.deepEqual(await secretsOf(stage, shared), settled);
  const writes = { ours: await stage.writes('ours', shared), theirs: await stage.writes('theirs', shared) };
  assert.deepEqual(Object.keys(writes.ours), []);
  assert.deepEqual(Object.keys(writes.theirs), ['update externalsecrets/status']);
  stage.say(`  in ${quietMs / 1_000} s: ours: ${told(writes.ours)}; ESO: ${told(writes.theirs)}`);
}

async function uninstall(stage: Stage, operator: Operator): Promise<void> {
  stage.say('▸ helm uninstall of ours');
  const before = { ...(await everythingOf(stage)), ...prefixed(await stage.versions(ours)) };
  await stage.restartTrails();
  await stage.uninstall();
  assert.equal(await operator.stop(), 0);
  await stage.apply(theirs, fakeStore({ controller: 'default', value: 'third' }));
  await until("ESO's Secret still follows", async () => (await secretValue(stage, theirs, 'often')) === 'third');
  const after = { ...(await everythingOf(stage)), ...prefixed(await stage.versions(ours)) };
  assert.deepEqual(changed(before, after), ['ExternalSecret/often', 'Secret/often', 'SecretStore/store']);
  assert.deepEqual(await stage.writes('theirs', ours), {});

  stage.say('▸ ESO lets the objects go that ours left');
  await stage.cli('delete', 'namespace', ours, '--timeout=60s');
  await stage.cli('delete', 'namespace', theirs, shared, '--timeout=60s');
  await stage.cli('delete', 'clustersecretstore,clusterexternalsecret', '--all', '--timeout=20s');
}

async function everythingOf(stage: Stage): Promise<Versions> {
  return { ...(await stage.clusterVersions()), ...(await stage.versions(theirs)) };
}

function prefixed(versions: Versions): Versions {
  return Object.fromEntries(Object.entries(versions).map(([name, version]) => [`ours ${name}`, version]));
}

async function secretsOf(stage: Stage, namespace: string): Promise<readonly (readonly [string, string])[]> {
  return Object.entries(await stage.versions(namespace)).filter(([name]) => name.startsWith('Secret/'));
}
