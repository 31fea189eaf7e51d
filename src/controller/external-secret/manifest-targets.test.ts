import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../base/operator-error.ts';
import { dataHashAnnotation, managedLabel } from '../../core/contract-names.ts';
import type { InformerEvent } from '../../kube/contract.ts';
import type { Resource } from '../../kube/types.ts';
import { OwnWrites } from '../kit/own-writes.ts';
import { manifestRecord, type ObservedManifest } from '../manifest-record.ts';
import { type ManifestPorts, ManifestTargets } from './manifest-targets.ts';

const configMap = { apiVersion: 'v1', kind: 'ConfigMap' };
const widget = { apiVersion: 'example.com/v1', kind: 'Widget' };
const web = { namespace: 'shop', name: 'web', targetName: 'target' };
const { signal } = new AbortController();

/** An API server that serves the two kinds, and what is followed of it. */
function served() {
  const kept = new Map<string, ObservedManifest>();
  const listeners = new Set<(event: InformerEvent<ObservedManifest>) => void>();
  const followed: string[] = [];
  let refusal: OperatorError | undefined;
  const ports: ManifestPorts = {
    async resourceOf({ apiVersion, kind }): Promise<Resource | undefined> {
      if (kind === 'Nothing') return undefined;
      return { group: '', version: apiVersion, plural: kind, kind, namespaced: kind !== 'Wide' };
    },
    async follow({ kind }) {
      if (refusal !== undefined) throw refusal;
      followed.push(`+${kind}`);
      const informer = {
        get: (key: string) => kept.get(key),
        values: () => kept.values(),
        entries: () => kept.entries(),
        hasSynced: () => true,
        shownVersion: () => '100',
        subscribe(listener: (event: InformerEvent<ObservedManifest>) => void) {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
        stop() {},
      };
      return { informer, view: new OwnWrites(informer), stop: () => void followed.push(`-${kind}`) };
    },
  };
  return {
    ports,
    followed,
    refuse: (error: OperatorError | undefined) => {
      refusal = error;
    },
    show(key: string, after: ObservedManifest | undefined) {
      const before = kept.get(key);
      if (after === undefined) kept.delete(key);
      else kept.set(key, after);
      for (const listener of listeners) listener({ key, before, after, initial: false });
    },
  };
}

const object = (spec: object, dataHash: string) =>
  manifestRecord({
    metadata: {
      namespace: 'shop',
      name: 'target',
      uid: 'u',
      resourceVersion: '7',
      labels: { [managedLabel]: 'true' },
      annotations: { [dataHashAnnotation]: dataHash },
    },
    spec,
  } as Parameters<typeof manifestRecord>[0]);

const reasonOf = (thrown: unknown) => (thrown instanceof OperatorError ? thrown.reason : thrown);

describe('targets of other kinds', () => {
  it('are refused while they are switched off, naming the flag', async () => {
    const error = await new ManifestTargets(undefined, signal).open(web, configMap, signal).catch((thrown) => thrown);
    expect(reasonOf(error)).toBe('SwitchedOff');
    expect(String(error)).toContain('--unsafe-allow-generic-targets');
  });

  it.each([
    ['Nothing', 'TargetRejected'],
    ['Wide', 'InvalidSpec'],
    ['Secret', 'InvalidSpec'],
  ])('of kind %s are refused with %s', async (kind, reason) => {
    const targets = new ManifestTargets(served().ports, signal);
    expect(reasonOf(await targets.open(web, { apiVersion: 'v1', kind }, signal).catch((thrown) => thrown))).toBe(
      reason,
    );
  });

  it('follow a kind once, from the first that names it to the last', async () => {
    const { ports, followed } = served();
    const targets = new ManifestTargets(ports, signal);
    const other = { ...web, name: 'other' };
    await Promise.all([targets.open(web, widget, signal), targets.open(other, widget, signal)]);
    await targets.open(web, configMap, signal);
    expect(followed).toEqual(['+Widget', '+ConfigMap']);
    targets.forget('shop/other');
    expect(followed).toEqual(['+Widget', '+ConfigMap', '-Widget']);
    targets.forget('shop/other');
    targets.close();
    expect(followed).toEqual(['+Widget', '+ConfigMap', '-Widget', '-ConfigMap']);
  });

  it('are tried again after a refusal, and after the first that asked has left', async () => {
    const { ports, followed, refuse } = served();
    const targets = new ManifestTargets(ports, signal);
    refuse(new OperatorError('ApiDenied', 'no right'));
    expect(reasonOf(await targets.open(web, widget, signal).catch((thrown) => thrown))).toBe('ApiDenied');
    refuse(undefined);
    const leaving = new AbortController();
    const left = targets.open(web, widget, leaving.signal).catch((thrown) => thrown);
    const stays = targets.open({ ...web, name: 'other' }, widget, signal);
    leaving.abort();
    expect(reasonOf(await left)).toBe('Aborted');
    expect((await stays).kind).toBe(widget);
    expect(followed).toEqual(['+Widget']);
  });

  it('wake whoever names the object, and nobody else', async () => {
    const { ports, show } = served();
    const targets = new ManifestTargets(ports, signal);
    const woken: string[] = [];
    targets.whenChanged((key) => woken.push(key));
    await targets.open(web, widget, signal);
    show('shop/other', object({}, ''));
    show('shop/target', object({}, ''));
    show('shop/target', undefined);
    expect(woken).toEqual(['shop/web', 'shop/web']);
  });

  it('that were completed with defaults count as written, until they change', async () => {
    const { ports, show } = served();
    const targets = new ManifestTargets(ports, signal);
    await targets.open(web, widget, signal);
    const completed = object({ n: 1, byDefault: true }, 'as-sent');
    show('shop/target', completed);
    expect(targets.get(web)?.dataHash).not.toBe('as-sent');
    targets.settle(web, completed);
    expect(targets.get(web)?.dataHash).toBe('as-sent');
    show('shop/target', object({ n: 2, byDefault: true }, 'as-sent'));
    expect(targets.get(web)?.dataHash).not.toBe('as-sent');
  });
});
