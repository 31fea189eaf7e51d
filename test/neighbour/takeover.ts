// One operator after the other on the same objects: what ESO has synced is served by Escapement, and back again, with ESO's CRDs and
// then with ours. No Secret may be rewritten on the way, and nothing may storm.
import assert from 'node:assert/strict';
import type { Operator } from '../support/operator.ts';
import { entry, externalSecret } from '../support/samples.ts';
import { pause, until } from '../support/wait.ts';
import type { Eso } from './eso.ts';
import { type Stage, secretValue, told, type Versions } from './stage.ts';

const namespace = 'neighbour-moved';
/** Deleted while ESO is away; its name is one of those for which ESO writes under a hashed manager. */
const leaving = `long-${'name'.repeat(9)}`;
/** Several refreshes of what asks for one every 2 s, and the validation of stores. */
const settlingMs = 7_000;

/** ESO runs. Throws an AssertionError when a Secret is rewritten, or when an operator is not quiet. */
export async function takeover(stage: Stage, eso: Eso): Promise<void> {
  stage.say('▸ ESO syncs from Infisical');
  await stage.namespace(namespace);
  await stage.apply(namespace, ...stage.infisicalStore('store', 'default'), ...externalSecrets());
  await stage.synced(namespace, 'externalsecret', 'secretstore');
  assert.equal(await eso.stop(), 0);
  const secrets = await secretsOf(stage);

  stage.say("▸ ESO ends, Escapement takes over, with ESO's CRDs");
  const first = await escapementTakesOver(stage, secrets, []);
  await leave(stage, first);
  stage.say('▸ Handing back');
  assert.equal(await (await esoTakesOver(stage, secrets)).stop(), 0);

  stage.say('▸ Taking over again, the CRDs too');
  const crds = ['--set=crds.takeover=true', '--take-ownership', '--force-conflicts'];
  const second = await escapementTakesOver(stage, secrets, crds);
  await serves(stage);
  const served = await secretsOf(stage);
  await leave(stage, second);
  stage.say('▸ Handing back, with our CRDs left in place');
  await esoTakesOver(stage, served);
}

/** The release's operator, after a time in which it must not have written a Secret or told of anything. */
async function escapementTakesOver(stage: Stage, secrets: Versions, helmFlags: readonly string[]): Promise<Operator> {
  stage.double.requests.reset();
  await stage.restartTrails();
  const operator = await stage.install([], helmFlags);
  await pause(settlingMs);
  const writes = await stage.writes('ours', namespace);
  const { byKind } = stage.double.requests.counts();
  stage.say(
    `  wrote: ${told(writes)}; asked Infisical: ${byKind.login} logins, ${byKind.list} lists, ${byKind.get} gets`,
  );
  assert.deepEqual(await secretsOf(stage), secrets);
  assert.equal(writes['create events'] ?? 0, 0);
  assert.ok(byKind.list > 0, 'it refreshed nothing, so that the Secrets prove nothing');
  return operator;
}

/** What came from ESO follows its source, and goes when it is deleted, although ESO's finalizer is on it. */
async function serves(stage: Stage): Promise<void> {
  stage.double.secrets.set({ environment: 'dev', path: '/', key: 'API_KEY', value: 'changed since' });
  const isFollowing = async () => (await secretValue(stage, namespace, 'often')) === 'changed since';
  await until('the Secret follows its source', isFollowing);
  await stage.cli('delete', 'externalsecret', leaving, '-n', namespace, '--timeout=20s');
  await until(
    'the Secret goes with its ExternalSecret',
    async () => (await secretValue(stage, namespace, leaving)) === undefined,
  );
}

async function leave(stage: Stage, operator: Operator): Promise<void> {
  assert.equal(await operator.stop(), 0);
  await stage.uninstall();
}

async function esoTakesOver(stage: Stage, secrets: Versions): Promise<Eso> {
  await stage.restartTrails();
  const eso = await stage.startEso();
  await pause(settlingMs);
  assert.deepEqual(await secretsOf(stage), secrets);
  stage.say(`  ESO wrote: ${told(await stage.writes('theirs', namespace))}`);
  await stage.synced(namespace, 'externalsecret', 'secretstore');
  return eso;
}

async function secretsOf(stage: Stage): Promise<Versions> {
  const all = Object.entries(await stage.versions(namespace));
  return Object.fromEntries(all.filter(([name]) => name.startsWith('Secret/')));
}

function externalSecrets(): readonly object[] {
  return [
    externalSecret({ name: 'plain' }),
    externalSecret({ name: 'often', spec: { refreshInterval: '2s' } }),
    externalSecret({ name: 'marked', labels: { team: 'payments' }, annotations: { note: 'kept' } }),
    externalSecret({ name: 'named', spec: { target: { name: 'another-name' } } }),
    externalSecret({ name: 'property', spec: { data: [entry('value', 'JSON_BLOB', 'key')] } }),
    externalSecret({ name: 'extracted', spec: { dataFrom: [{ extract: { key: 'JSON_BLOB' } }] } }),
    externalSecret({ name: 'found', spec: { dataFrom: [{ find: { name: { regexp: '^(API|DB)_' } } }] } }),
    externalSecret({ name: leaving, labels: { team: 'payments' } }),
  ];
}
