// A provider that no program needs: a shelf in memory that is read over a counter. It is here to show what a provider takes: a
// folder and a row of the table. Its block is that of `fake`, because a block of its own is a schema's business.
import type { Clock } from '../../../src/base/clock.ts';
import { asOperatorError, OperatorError } from '../../../src/base/operator-error.ts';
import type { Shares } from '../../../src/base/shares.ts';
import { type Desk, inlineDesk } from '../../../src/core/jobs.ts';
import { SecretValue } from '../../../src/core/secret-value.ts';
import type { FakeSpec } from '../../../src/crds/fake.ts';
import type { Provider, ReadRequest, ReadResult } from '../../../src/providers/contract.ts';
import type { Outcome } from '../../../src/providers/shared/outcome.ts';
import { publishAnswers, type ScopeNews } from '../../../src/providers/shared/scope-news.ts';
import { Snapshots } from '../../../src/providers/shared/snapshots.ts';
import { keeperOf } from '../../../src/providers/shared/whose.ts';

type Values = ReadonlyMap<string, string>;

export class Shelf {
  readonly values = new Map<string, string>();
  /** How often it was looked at. */
  reads = 0;
  /** Who holds a key to it. */
  readonly holders = new Set<string>();
}

const origin = 'http://127.0.0.1:1';

export function createStubProvider(shelf: Shelf, clock: Clock, news: ScopeNews, shares?: Shares): Provider<FakeSpec> {
  const snapshots = new Snapshots<Outcome<Values>>({ clock, onNewer: publishAnswers(news), shares });
  return {
    capabilities: 'ReadOnly',
    async connect(_spec, { holder, ...context }) {
      shelf.holders.add(holder);
      const key = `stub|${context.storeName}`;
      const look = async (notBeforeMs: number, signal: AbortSignal) => {
        const fetch = async () => {
          shelf.reads++;
          return { value: { value: new Map(shelf.values) } };
        };
        const outcome = await snapshots.get({ key, origin, holder: keeperOf(context), notBeforeMs, fetch }, signal);
        if ('error' in outcome) throw outcome.error;
        return outcome.value;
      };
      return {
        phaseKey: key,
        origin,
        async read(requests, { notBeforeMs, noteScope, desk = inlineDesk() }, signal) {
          if (requests.length === 0) return [];
          noteScope?.(key);
          const values = await look(notBeforeMs, signal);
          return await Promise.all(requests.map((request) => answer(values, request, desk)));
        },
        async validate({ notBeforeMs }, signal) {
          await look(notBeforeMs, signal);
          return 'valid';
        },
      };
    },
    release: (holder) => void shelf.holders.delete(holder),
  };
}

async function answer(values: Values, request: ReadRequest, desk: Desk): Promise<ReadResult> {
  try {
    if (request.kind === 'find') {
      const found = await desk.run('search', { pattern: request.nameRegexp ?? '', keys: [...values.keys()] });
      return { values: new Map(found.map((name) => [name, new SecretValue(values.get(name) ?? '')])) };
    }
    const text = values.get(request.key);
    if (text === undefined) throw new OperatorError('SecretNotFound', `the shelf has no "${request.key}"`);
    if (request.kind === 'value') return { values: new Map([[request.key, new SecretValue(text)]]) };
    const members = await desk.run('members', { text });
    return { values: new Map([...members].map(([name, value]) => [name, new SecretValue(value)])) };
  } catch (thrown) {
    return { error: asOperatorError(thrown) };
  }
}
