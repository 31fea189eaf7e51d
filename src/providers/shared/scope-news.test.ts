import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { Outcome } from './outcome.ts';
import { publishAnswers, ScopeNews } from './scope-news.ts';
import { Snapshots } from './snapshots.ts';

const signal = new AbortController().signal;

describe('news of a scope', () => {
  it('are published for an answer that is another one, and not for what was kept or refused', async () => {
    const clock = new FakeClock(1_000);
    const news = new ScopeNews();
    const heard: [string, number][] = [];
    const end = news.subscribe((...each) => heard.push(each));
    const snapshots = new Snapshots<Outcome<string>>({ clock, shares: undefined, onNewer: publishAnswers(news) });
    const read = async (value: Outcome<string> | 'kept') => {
      const notBeforeMs = clock.monotonicMs();
      const fetch = async (kept: { value: Outcome<string> } | undefined) =>
        value === 'kept' && kept !== undefined ? kept : { value: value === 'kept' ? { value } : value };
      const answer = snapshots.get({ key: 'scope', origin: '', holder: 'ns', notBeforeMs, fetch }, signal);
      await clock.advance(60);
      await answer;
      return clock.monotonicMs() - 10; // requests are collected for 50 ms
    };
    const first = await read({ value: 'a' });
    await read('kept');
    await read({ error: new OperatorError('AccessDenied', 'no') });
    const last = await read({ value: 'b' });
    end();
    await read({ value: 'c' });
    expect(heard).toEqual([
      ['scope', first],
      ['scope', last],
    ]);
  });
});
