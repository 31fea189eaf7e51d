import { describe, expect, it } from 'vitest';
import { settle } from '../../test/support/fake-clock.ts';
import { WhileLeading } from './while-leading.ts';

/** Work whose beginning and end the test decides, and what happened in which order. */
function setUp() {
  const story: string[] = [];
  const faults: unknown[] = [];
  let count = 0;
  let ending = Promise.withResolvers<void>();
  let begin = (): void => {};
  const leading = new WhileLeading({
    start: async (leadership) => {
      const name = `work ${++count}`;
      begin();
      story.push(`${name} begins${leadership.aborted ? ' without leading' : ''}`);
      return {
        async stop() {
          story.push(`${name} is told to stop`);
          await ending.promise;
          story.push(`${name} has ended`);
        },
      };
    },
    onFault: (thrown) => void faults.push(thrown),
  });
  return {
    leading,
    story,
    faults,
    /** Ends what is ending; later work ends in its turn. */
    async end() {
      await settle();
      ending.resolve();
      ending = Promise.withResolvers();
      await settle();
    },
    failEnd: (thrown: Error) => ending.reject(thrown),
    onBegin(run: () => void) {
      begin = run;
    },
  };
}

describe('work of a leader', () => {
  it('begins when leadership is gained and ends when it is lost', async () => {
    const { leading, story, end } = setUp();
    const term = new AbortController();
    leading.gained(term.signal);
    await settle();
    expect(story).toEqual(['work 1 begins']);
    term.abort();
    await settle();
    await end();
    expect(story).toEqual(['work 1 begins', 'work 1 is told to stop', 'work 1 has ended']);
  });

  it('waits for the end of what was done before, when leadership is lost and regained at once', async () => {
    const { leading, story, end } = setUp();
    const first = new AbortController();
    leading.gained(first.signal);
    await settle();
    first.abort();
    leading.gained(new AbortController().signal);
    await settle();
    expect(story).toEqual(['work 1 begins', 'work 1 is told to stop']);
    await end();
    expect(story).toEqual(['work 1 begins', 'work 1 is told to stop', 'work 1 has ended', 'work 2 begins']);
  });

  it('does not begin for a term that was over before its turn came', async () => {
    const { leading, story, end } = setUp();
    const [first, second] = [new AbortController(), new AbortController()];
    leading.gained(first.signal);
    await settle();
    first.abort();
    leading.gained(second.signal);
    second.abort();
    leading.gained(new AbortController().signal);
    await end();
    expect(story).toEqual(['work 1 begins', 'work 1 is told to stop', 'work 1 has ended', 'work 2 begins']);
  });

  it('ends while the process still leads when that stops, and never begins again', async () => {
    const { leading, story, end } = setUp();
    const term = new AbortController();
    leading.gained(term.signal);
    await settle();
    let isStopped = false;
    const stopped = leading.stop().then(() => {
      isStopped = true;
    });
    await settle();
    expect([story.at(-1), term.signal.aborted, isStopped]).toEqual(['work 1 is told to stop', false, false]);
    await end();
    await stopped;
    leading.gained(new AbortController().signal);
    await settle();
    expect(story.at(-1)).toBe('work 1 has ended');
  });

  it('ends although leadership was lost while it was beginning', async () => {
    const { leading, story, end, onBegin } = setUp();
    const term = new AbortController();
    onBegin(() => term.abort());
    leading.gained(term.signal);
    await settle();
    await end();
    expect(story.at(-1)).toBe('work 1 has ended');
  });

  it('that cannot begin or end is a fault', async () => {
    const broken = new Error('broken');
    const faults: unknown[] = [];
    const start = () => Promise.reject(broken);
    const leading = new WhileLeading({ start, onFault: (thrown) => void faults.push(thrown) });
    leading.gained(new AbortController().signal);
    await settle();
    await leading.stop();
    const other = setUp();
    other.leading.gained(new AbortController().signal);
    await settle();
    other.failEnd(broken);
    await other.leading.stop();
    expect([faults, other.faults]).toEqual([[broken], [broken]]);
  });
});
