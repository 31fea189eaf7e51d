import { describe, expect, it } from 'vitest';
import type { KubeObject, ObjectName, Resource } from '../../kube/types.ts';
import type { WatchedObjects } from '../connect.ts';
import { TemplateSources } from './template-sources.ts';

const es = { namespace: 'shop', name: 'web' };
const never = new AbortController().signal;
const map = (name: string) => ({ kind: 'ConfigMap' as const, name });
const secret = (name: string) => ({ kind: 'Secret' as const, name });

/** Objects by `plural/namespace/name`, and who holds them. */
function objectsWith(data: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const held = new Map<string, Set<string>>();
  let listener: ((resource: Resource, name: ObjectName) => void) | undefined;
  const placeOf = ({ plural }: Resource, { namespace, name }: ObjectName) => `${plural}/${namespace}/${name}`;
  const objects: WatchedObjects = {
    hold(resource, name, holder) {
      held.set(holder, (held.get(holder) ?? new Set()).add(placeOf(resource, name)));
    },
    release: (holder) => void held.delete(holder),
    async read<T extends KubeObject>(resource: Resource, name: ObjectName) {
      const found = data[placeOf(resource, name)];
      return found === undefined ? undefined : ({ metadata: name, data: found } as unknown as T); // as an API server has it
    },
    subscribe(each) {
      listener = each;
      return () => {
        listener = undefined;
      };
    },
  };
  const change = (plural: string, name: string) => {
    const resource: Resource = { group: '', version: 'v1', plural, kind: '', namespaced: true };
    listener?.(resource, { namespace: es.namespace, name });
  };
  return { objects, change, held: () => [...held.values()].flatMap((places) => [...places]).sort() };
}

describe('TemplateSources', () => {
  const data = {
    'configmaps/shop/a': { k: 'text' },
    'secrets/shop/a': { k: Buffer.from('hidden').toString('base64') },
  };

  it('reads what is named, of either kind', async () => {
    const { objects } = objectsWith(data);
    const texts = await new TemplateSources(objects).read(es, [map('a'), secret('a')], never);
    expect(texts.get('ConfigMap/a')?.get('k')?.text()).toBe('text');
    expect(texts.get('Secret/a')?.get('k')?.text()).toBe('hidden');
  });

  it('counts and tells changes of what is named, and of nothing else', async () => {
    const { objects, change } = objectsWith(data);
    const sources = new TemplateSources(objects);
    const told: string[] = [];
    sources.whenChanged((key) => told.push(key));
    await sources.read(es, [map('a')], never);
    change('configmaps', 'a');
    change('secrets', 'a');
    change('configmaps', 'b');
    expect(told).toEqual(['shop/web']);
    expect(sources.changesOf('shop/web')).toBe(1);
  });

  it('follows an object that is not there, so that its making wakes the dependent', async () => {
    const { objects, change, held } = objectsWith(data);
    const sources = new TemplateSources(objects);
    await expect(sources.read(es, [map('late')], never)).rejects.toMatchObject({ reason: 'ReferenceNotFound' });
    expect(held()).toEqual(['configmaps/shop/late']);
    change('configmaps', 'late');
    expect(sources.changesOf('shop/web')).toBe(1);
  });

  it('lets go of what is named no more', async () => {
    const { objects, change, held } = objectsWith(data);
    const sources = new TemplateSources(objects);
    await sources.read(es, [map('a'), secret('a')], never);
    await sources.read(es, [secret('a')], never);
    expect(held()).toEqual(['secrets/shop/a']);
    change('configmaps', 'a');
    expect(sources.changesOf('shop/web')).toBe(0);
    sources.forget('shop/web');
    expect(held()).toEqual([]);
  });
});
