// What the operator costs others: requests to the upstream, counted by the double, and writes to the API server, counted
// by its audit log. Measured figures are printed, one line each.
import { afterEach, describe, expect, inject, it } from 'vitest';
import { type ApiCall, countWrites, followAudit, untilQuiet, writesOf } from '../support/audit.ts';
import { createFleet, forAll } from '../support/fleet.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { pause, until } from '../support/wait.ts';

const { auditLogPath } = inject('controlPlane');
const scenes: Scene[] = [];

afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.end();
});

async function scene(): Promise<Scene> {
  const made = await createScene('economy', { operator: false });
  scenes.push(made);
  return made;
}

describe.skipIf(auditLogPath === undefined)('200 ExternalSecrets over 4 scopes', () => {
  it('cost what changes, and nothing while nothing does', async () => {
    const ground = await scene();
    const { namespace, double, api } = ground;
    const fleet = await createFleet(ground, { objects: 200, scopes: 4 });
    const audit = await followAudit(auditLogPath ?? '');
    const spent = async (what: string) => {
      const writes = countWrites(await audit.calls(), namespace);
      const { list, get, login } = double.requests.counts().byKind;
      say(`${what}: ${JSON.stringify({ list, get, login, ...writes })}`);
      return { writes, upstream: { list, get, login } };
    };
    const count = async () => {
      double.requests.reset();
      await audit.restart();
    };

    // First sync: everything was applied before the operator started.
    const startedMs = performance.now();
    double.requests.reset();
    await ground.startOperator();
    await until('all are synced', () => fleet.problems().length === 0, 30_000);
    say(`200 objects synced ${Math.round(performance.now() - startedMs)} ms after the start of the process`);
    await untilQuiet(audit);
    const first = await spent('first sync');
    expect(first.upstream).toEqual({ list: 4, get: 0, login: 1 });
    expect(first.writes).toEqual({
      'create secrets': 200,
      'patch externalsecrets/status': 200,
      'patch secretstores/status': 4,
      'create events': 204,
    });

    // A spec edit that changes what is read: Ready withdrawn, Secret, status.
    await count();
    const remoteRef = { key: 'K7_K1' };
    const edited = { kind: 'ExternalSecret', namespace, name: 'es-7' } as const;
    const { generation } = (await api.patch(edited, { spec: { data: [{ secretKey: 'k0', remoteRef }] } })).metadata;
    await ground.whenSynced('es-7');
    await untilQuiet(audit);
    const byEdit = await spent('spec edit');
    expect(byEdit.writes).toMatchObject({ 'update secrets': 1, 'patch externalsecrets/status': 2 });
    expect(byEdit.writes['create events'] ?? 0).toBeLessThanOrEqual(1);
    expect(byEdit.upstream).toMatchObject({ get: 0, login: 0 });
    expect(byEdit.upstream.list).toBeLessThanOrEqual(1);
    const again = {
      spec: {
        data: ['k0', 'k1', 'k2'].map((key) => ({ secretKey: key, remoteRef: { key: `K7_${key.toUpperCase()}` } })),
      },
    };
    expect((await api.patch(edited, again)).metadata.generation).toBe((generation ?? 0) + 1);

    // From here on everything is due every 6 s.
    await forAll(fleet.names, (name) =>
      api.patch({ kind: 'ExternalSecret', namespace, name }, { spec: { refreshInterval: '6s' } }),
    );
    await until('all are synced', () => fleet.problems().length === 0, 30_000);
    await untilQuiet(audit);

    // Quiet waves.
    const checksBefore = await ground.operator().metric('externalsecret_sync_calls_total', namespace);
    await count();
    await pause(12_500);
    const quiet = await spent('12.5 s of quiet waves');
    const checks = (await ground.operator().metric('externalsecret_sync_calls_total', namespace)) - checksBefore;
    expect(checks).toBeGreaterThanOrEqual(400);
    expect(quiet.writes).toEqual({});
    expect(readsOf(await audit.calls(), namespace)).toEqual([]);
    expect(quiet.upstream).toMatchObject({ get: 0, login: 0 });
    expect(quiet.upstream.list).toBeGreaterThanOrEqual(8);
    expect(quiet.upstream.list).toBeLessThanOrEqual(12); // two full beats, and a third for those at the border

    // A change upstream of some objects, of one value or of several.
    await count();
    const changed = fleet.names.slice(0, 20);
    for (const name of changed) for (const key of ['k0', 'k2']) fleet.change(name, key);
    await until('the changes are there', () => fleet.problems().length === 0, 20_000);
    await untilQuiet(audit);
    const byChange = await spent('upstream change of 20 objects');
    const { 'create events': events = 0, 'patch events': patched = 0, ...others } = byChange.writes;
    expect(others).toEqual({ 'update secrets': 20, 'patch externalsecrets/status': 20 });
    expect(events + patched).toBeLessThanOrEqual(20);
    expect(
      new Set(
        writesOf(await audit.calls(), namespace)
          .filter(isOfSecrets)
          .map(nameOf),
      ),
    ).toEqual(new Set(changed));
    expect(byChange.upstream.login).toBe(0);

    // A restart.
    expect(await ground.operator().stop()).toBe(0);
    await count();
    await ground.startOperator();
    await pause(6_500);
    const restart = await spent('restart and 6.5 s');
    expect(restart.writes).toEqual({});
    expect(restart.upstream).toMatchObject({ get: 0, login: 1 });
    expect(restart.upstream.list).toBeLessThanOrEqual(8);
    expect(fleet.problems()).toEqual([]);
  }, 180_000);
});

describe('1,000 ExternalSecrets on 20 stores', () => {
  it('log in once per identity and list once per scope', async () => {
    const ground = await scene();
    const { double } = ground;
    const fleet = await createFleet(ground, { objects: 1_000, scopes: 20, identities: 5 });
    double.requests.reset();
    const startedMs = performance.now();
    await ground.startOperator();
    await until('all are synced', () => fleet.problems().length === 0, 60_000);
    say(`1,000 objects synced ${Math.round(performance.now() - startedMs)} ms after the start of the process`);
    const { list, get, login } = double.requests.counts().byKind;
    expect({ list, get, login }).toEqual({ list: 20, get: 0, login: 5 });
    expect(await ground.operator().stop()).toBe(0);
    expect(double.requests.counts().byKind.revoke).toBe(5);
  });
});

function readsOf(calls: readonly ApiCall[], namespace: string): readonly ApiCall[] {
  return calls.filter(({ verb, namespace: at }) => at === namespace && (verb === 'get' || verb === 'list'));
}

function isOfSecrets({ resource }: ApiCall): boolean {
  return resource === 'secrets';
}

function nameOf({ name }: ApiCall): string {
  return name;
}

function say(line: string): void {
  process.stdout.write(`economy: ${line}\n`);
}
