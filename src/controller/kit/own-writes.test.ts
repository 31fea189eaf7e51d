import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Informer, InformerEvent } from '../../kube/contract.ts';
import { OwnWrites } from './own-writes.ts';

interface Item {
  readonly uid: string;
  readonly resourceVersion: string;
}

const item = (resourceVersion: number, uid = 'u'): Item => ({ uid, resourceVersion: String(resourceVersion) });

/** An informer that shows what it is told to. */
class ShownInformer implements Informer<Item> {
  readonly #objects = new Map<string, Item>();
  readonly #listeners: ((event: InformerEvent<Item>) => void)[] = [];

  #shownVersion = '';

  /** The watch has told everything up to this version. */
  reach(version: number): void {
    this.#shownVersion = String(version);
  }

  shownVersion(): string {
    return this.#shownVersion;
  }

  show(key: string, after: Item | undefined): void {
    const before = this.#objects.get(key);
    if (after === undefined) this.#objects.delete(key);
    else this.#objects.set(key, after);
    for (const listener of this.#listeners) listener({ key, before, after, initial: false });
  }

  get(key: string): Item | undefined {
    return this.#objects.get(key);
  }

  values(): IterableIterator<Item> {
    return this.#objects.values();
  }

  entries(): IterableIterator<[string, Item]> {
    return this.#objects.entries();
  }

  hasSynced(): boolean {
    return true;
  }

  subscribe(listener: (event: InformerEvent<Item>) => void): () => void {
    this.#listeners.push(listener);
    return () => {};
  }

  stop(): void {}
}

function setUp() {
  const informer = new ShownInformer();
  return { informer, cache: new OwnWrites(informer) };
}

describe('OwnWrites', () => {
  it('answers with an own write until the informer has caught up', () => {
    const { informer, cache } = setUp();
    informer.show('k', item(9));
    cache.note('k', item(10));
    expect(cache.get('k')).toEqual(item(10));
    informer.show('k', item(10));
    expect(cache.get('k')).toEqual(item(10));
    informer.show('k', item(11));
    expect(cache.get('k')).toEqual(item(11));
  });

  it('answers with an object that it created before the informer has shown it', () => {
    const { cache } = setUp();
    cache.note('k', item(10));
    expect(cache.get('k')).toEqual(item(10));
  });

  it.each<[why: string, known: number, late: number]>([
    ['9 is older than 10, though not by letters', 9, 10],
    ['99 is older than 100', 99, 100],
    ['equal lengths compare by digits', 123, 124],
  ])('orders versions as numbers: %s', (_, older, newer) => {
    const { informer, cache } = setUp();
    informer.show('k', item(older));
    cache.note('k', item(newer));
    expect(cache.get('k')).toEqual(item(newer));
    informer.show('k', item(older));
    expect(cache.get('k')).toEqual(item(newer));
  });

  it('names an own write by its exact version, for an informer that is about to show it', () => {
    const { informer, cache } = setUp();
    const own = item(10);
    cache.note('k', own);
    expect(cache.written('10')).toEqual({ key: 'k', value: own });
    expect(cache.written('11')).toBeUndefined();
    informer.show('k', item(10));
    expect(cache.written('10')).toBeUndefined();
  });

  it.each([
    ['a later write', (cache: OwnWrites<Item>) => cache.note('k', item(11))],
    ['its deletion', (cache: OwnWrites<Item>) => cache.noteGone('k', 'u')],
  ])('names no write that %s has ended', (_what, end) => {
    const { cache } = setUp();
    cache.note('k', item(10));
    end(cache);
    expect(cache.written('10')).toBeUndefined();
  });

  it.each([
    ['catches up', (cache: OwnWrites<Item>) => cache.catchUp()],
    ['is asked for it', (cache: OwnWrites<Item>) => cache.get('k')],
  ])('names no write that the watch has passed once it %s', (_what, look) => {
    const { informer, cache } = setUp();
    cache.note('k', item(10));
    informer.reach(10);
    look(cache);
    expect(cache.written('10')).toBeUndefined();
  });

  it('takes no older answer than the informer has', () => {
    const { informer, cache } = setUp();
    informer.show('k', item(12));
    cache.note('k', item(10));
    expect(cache.get('k')).toEqual(item(12));
    informer.show('k', undefined);
    expect(cache.get('k')).toBeUndefined();
  });

  it('believes a deletion of the version that it wrote', () => {
    const { informer, cache } = setUp();
    cache.note('k', item(10));
    informer.show('k', item(10));
    informer.show('k', undefined);
    expect(cache.get('k')).toBeUndefined();
  });

  it('believes that an object is gone though the informer never showed the last write: a new list after a lost watch', () => {
    const { informer, cache } = setUp();
    informer.show('k', item(8));
    cache.note('k', item(10));
    informer.show('k', undefined);
    expect(cache.get('k')).toBeUndefined();
  });

  it('keeps what it created anew when the informer hears late that the predecessor is gone', () => {
    const { informer, cache } = setUp();
    informer.show('k', item(8, 'old'));
    cache.note('k', item(10, 'new'));
    informer.show('k', undefined);
    expect(cache.get('k')).toEqual(item(10, 'new'));
  });

  it('gives up a write that the watch has passed without showing it: it was undone while the watch was down', () => {
    const { informer, cache } = setUp();
    cache.note('k', item(10));
    informer.reach(9);
    expect(cache.get('k')).toEqual(item(10));
    informer.reach(10);
    expect(cache.get('k')).toBeUndefined();
  });

  it('takes no answer that comes after the watch has shown what it made, and its end', () => {
    const { informer, cache } = setUp();
    informer.show('k', item(10));
    informer.show('k', undefined);
    informer.reach(11);
    cache.note('k', item(10));
    expect(cache.get('k')).toBeUndefined();
    cache.note('k', item(12, 'next'));
    expect(cache.get('k')).toEqual(item(12, 'next'));
  });

  it('knows that an object is gone before the informer does', () => {
    const { informer, cache } = setUp();
    informer.show('k', item(8));
    cache.note('k', item(10));
    cache.noteGone('k', 'u');
    expect(cache.get('k')).toBeUndefined();
    informer.show('k', item(9));
    expect(cache.get('k')).toBeUndefined();
    informer.show('k', item(12, 'next'));
    expect(cache.get('k')).toEqual(item(12, 'next'));
  });

  it('takes one object that is gone for no other of the same name', () => {
    const { informer, cache } = setUp();
    informer.show('k', item(8, 'old'));
    cache.note('k', item(10, 'new'));
    cache.noteGone('k', 'old');
    expect(cache.get('k')).toEqual(item(10, 'new'));
  });

  it('never answers with anything older than what was written or shown, while an object lives', () => {
    const step = fc.oneof(fc.constant('write' as const), fc.constant('catch up' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { informer, cache } = setUp();
        const versions: number[] = [];
        let shown = 0;
        for (const step of steps) {
          if (step === 'write') {
            versions.push(8 + versions.length);
            cache.note('k', item(versions.at(-1) ?? 0));
          } else if (shown < versions.length) informer.show('k', item(versions[shown++] ?? 0));
          expect(cache.get('k')?.resourceVersion).toBe(versions.at(-1)?.toString());
        }
      }),
    );
  });
});
