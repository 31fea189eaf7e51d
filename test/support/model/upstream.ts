// An upstream in memory: scopes with values that tests change, and faults. The model's provider reads it in the place of the
// `fake` one, by the machinery that real providers share. A store's `data` says what it reads: the entry `scope` names a
// scope; without it the store's own name does, and the other entries are its values until somebody sets others.
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../../src/base/clock.ts';
import { OperatorError } from '../../../src/base/operator-error.ts';
import { SecretValue } from '../../../src/core/secret-value.ts';
import type { FakeSpec } from '../../../src/crds/fake.ts';
import type { Provider, ReadRequest, ReadResult, StoreReader } from '../../../src/providers/contract.ts';
import { type Outcome, refusal } from '../../../src/providers/shared/outcome.ts';
import { publishAnswers, type ScopeNews } from '../../../src/providers/shared/scope-news.ts';
import { type Fetched, Snapshots } from '../../../src/providers/shared/snapshots.ts';
import { keeperOf } from '../../../src/providers/shared/whose.ts';

interface Held {
  readonly atMs: number;
  /** Undefined from when the key was gone. */
  readonly value: string | undefined;
}

type Values = ReadonlyMap<string, string>;

export class ModelUpstream {
  /** Each read of a scope, whatever came of it. */
  readonly reads: { readonly scope: string; readonly atMs: number }[] = [];
  /** Releases of connections, by holder. */
  readonly released: string[] = [];
  /** Told before a scope answers; what it throws is the answer. */
  onRead: (scope: string) => Promise<void> | void = () => {};
  readonly #random: () => number;
  readonly #clock: Clock;
  readonly #held = new Map<string, Map<string, Held[]>>();

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  set(scope: string, key: string, value: string | undefined): void {
    const keys = this.#held.get(scope) ?? new Map<string, Held[]>();
    this.#held.set(scope, keys);
    keys.set(key, [...(keys.get(key) ?? []), { atMs: this.#clock.monotonicMs(), value }]);
  }

  value(scope: string, key: string): string | undefined {
    return this.#held.get(scope)?.get(key)?.at(-1)?.value;
  }

  /** Whether the key had this value in any scope, ever. */
  everHeld(key: string, value: string): boolean {
    return [...this.#held.values()].some((keys) => keys.get(key)?.some((one) => one.value === value) === true);
  }

  /** Whether the key was gone in any scope, ever. */
  wasLost(key: string): boolean {
    return [...this.#held.values()].some((keys) => keys.get(key)?.some(({ value }) => value === undefined) === true);
  }

  /** What a scope holds now, over `base`. */
  valuesOf(scope: string, base: Values = new Map()): Values {
    const values = new Map(base);
    for (const [key, held] of this.#held.get(scope) ?? []) {
      const value = held.at(-1)?.value;
      if (value === undefined) values.delete(key);
      else values.set(key, value);
    }
    return values;
  }

  /** The way there and what the scope holds at its end, and whatever is wrong with it. */
  async answer(scope: string, clock: Clock, base?: Values): Promise<Values> {
    await wait(clock, 5 + this.#random() * 20);
    await this.onRead(scope);
    const values = this.valuesOf(scope, base);
    await wait(clock, 5 + this.#random() * 20);
    return values;
  }

  provider(clock: Clock, news: ScopeNews): Provider<FakeSpec> {
    const snapshots = new Snapshots<Outcome<Values>>({ clock, onNewer: publishAnswers(news), shares: undefined });
    return {
      capabilities: 'ReadOnly',
      connect: async ({ data }, { storeKind, storeName, credentials, ...whose }, signal): Promise<StoreReader> => {
        const base = new Map(data.map(({ key, value }) => [key, value]));
        const scope = base.get('scope') ?? storeName;
        const holder = keeperOf({ storeName, ...whose });
        const key = JSON.stringify([scope, ...base]);
        const credential = { name: `${storeName}-credential`, key: 'k' };
        // Where there is none, none is needed; either way its changes reach the store.
        const found =
          storeKind === 'SecretStore'
            ? await credentials.secretKey(credential, 'auth', signal).catch(absent)
            : undefined;
        if (found !== undefined && found.text() !== 'good') throw new OperatorError('InvalidCredential', 'not good');
        const fetch = async (kept: Fetched<Outcome<Values>> | undefined): Promise<Fetched<Outcome<Values>>> => {
          this.reads.push({ scope, atMs: clock.monotonicMs() });
          try {
            const values = await this.answer(scope, clock, base);
            // Nothing new is the answer that is kept, as with providers whose upstream tells them so.
            const isSame = kept !== undefined && 'value' in kept.value && isDeepStrictEqual(kept.value.value, values);
            return isSame ? kept : { value: { value: values } };
          } catch (thrown) {
            return { value: refusal(thrown) };
          }
        };
        return {
          phaseKey: scope,
          origin: `https://${scope}.test`,
          isCheap: true,
          read: async (requests, { notBeforeMs, noteScope }, waiting) => {
            noteScope?.(key);
            const outcome = await snapshots.get({ key, origin: scope, holder, notBeforeMs, fetch }, waiting);
            if ('error' in outcome) throw outcome.error;
            return requests.map((request) => resultOf(outcome.value, request));
          },
          validate: async () => {
            await this.answer(scope, clock, base);
            return 'valid';
          },
        };
      },
      release: (holder) => void this.released.push(holder),
    };
  }
}

function absent(thrown: unknown): undefined {
  if (thrown instanceof OperatorError && ['ReferenceNotFound', 'InvalidCredential'].includes(thrown.reason)) return;
  throw thrown;
}

function resultOf(values: Values, request: ReadRequest): ReadResult {
  if (request.kind === 'find')
    return { values: new Map([...values].map(([key, value]) => [key, new SecretValue(value)])) };
  const value = values.get(request.key);
  if (value === undefined) return { error: new OperatorError('SecretNotFound', `no key "${request.key}"`) };
  return { values: new Map([[request.key, new SecretValue(value)]]) };
}

function wait(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
