import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecretValue } from '../../core/secret-value.ts';
import { isEmpty, lookUp, viewOf } from './folder-view.ts';
import type { WireSecret } from './wire.ts';

function secret(key: string, folder: string | undefined, more: Partial<WireSecret> = {}): WireSecret {
  return { key, folder, value: new SecretValue(`${folder}/${key}`), version: 1, updatedAtMs: 0, ...more };
}

describe('a view', () => {
  it.each([
    ['the one changed last', { updatedAtMs: 2 }, { updatedAtMs: 1 }, 'first'],
    ['the one changed last, wherever it stands', { updatedAtMs: 1 }, { updatedAtMs: 2 }, 'second'],
    ['the higher version at the same time', { version: 1 }, { version: 2 }, 'second'],
    ['the first of equals', {}, {}, 'first'],
  ])('takes of one key twice in a folder %s', (_why, first, second, winner) => {
    const list = {
      secrets: [
        secret('K', '/', { ...first, value: new SecretValue('first') }),
        secret('K', '/', { ...second, value: new SecretValue('second') }),
      ],
      imports: [],
    };
    expect(lookUp(viewOf(list, '/', false), '/', 'K')?.value?.text()).toBe(winner);
  });

  it('knows keys that are names of Object.prototype, and leaves out keys without a name', () => {
    const names = ['__proto__', 'constructor', 'toString'];
    const view = viewOf({ secrets: ['', ...names].map((key) => secret(key, '/')), imports: [] }, '/', false);
    expect([...view.merged().keys()]).toEqual([...names].sort());
    expect(lookUp(view, '/', 'hasOwnProperty')).toBeUndefined();
  });

  it('is empty when all that came belongs to a neighbour', () => {
    const list = { secrets: [secret('K', '/my-app-2')], imports: [] };
    expect(isEmpty(viewOf(list, '/my-app', true))).toBe(true);
  });

  it('has the same winners in whatever order the server answers', () => {
    const folders = fc.constantFrom('/', '/a', '/a/b', '/b', '/z');
    const secrets = fc.uniqueArray(fc.tuple(fc.constantFrom('K', 'L', 'M'), folders), {
      selector: ([k, f]) => `${f}/${k}`,
    });
    fc.assert(
      fc.property(secrets, fc.nat(), (drawn, turn) => {
        const list = drawn.map(([key, folder]) => secret(key, folder));
        const turned = [...list.slice(turn % (list.length + 1)), ...list.slice(0, turn % (list.length + 1))].reverse();
        const winners = (all: WireSecret[]) =>
          [...viewOf({ secrets: all, imports: [] }, '/', true).merged()].map(([key, found]) => [
            key,
            found.secret.folder,
            found.shadowed,
          ]);
        expect(winners(turned)).toEqual(winners(list));
        const shown = winners(list).flatMap(([, , shadowed]) => shadowed);
        expect(shown.length + winners(list).length).toBe(list.length);
      }),
    );
  });
});
