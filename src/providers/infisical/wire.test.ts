import { describe, expect, it } from 'vitest';
import { Stopwatch } from '../../../test/support/thread-time.ts';
import { asOperatorError } from '../../base/operator-error.ts';
import { parseList } from './wire.ts';

const good = { secretKey: 'A', secretValue: '1' };

/** The reason of a refusal, and how many entries were looked at before it. */
async function refusal(build: (entries: readonly unknown[]) => unknown, entries: readonly unknown[]) {
  let looked = 0;
  const counted = entries.map((entry) => ({
    get secretKey() {
      looked++;
      return (entry as typeof good).secretKey;
    },
    secretValue: '1',
  }));
  try {
    await parseList(build(counted));
    return { reason: 'no refusal', looked };
  } catch (thrown) {
    return { reason: asOperatorError(thrown).reason, looked };
  }
}

describe('a list of the API', () => {
  it('is read with its imports, without the overrides of users', async () => {
    const list = await parseList({
      secrets: [good, { ...good, secretKey: 'B', type: 'personal' }],
      imports: [{ secrets: [{ ...good, secretKey: 'C' }] }],
    });
    expect(list.secrets.map(({ key }) => key)).toEqual(['A']);
    expect(list.imports.map((block) => block.map(({ key }) => key))).toEqual([['C']]);
  });

  it.each<[where: string, build: (entries: readonly unknown[]) => unknown]>([
    ['among the secrets', (secrets) => ({ secrets })],
    ['in an import', (secrets) => ({ secrets: [], imports: [{ secrets }] })],
  ])('is given up at the first entry %s that is no secret', async (_where, build) => {
    const wrong = { secretKey: 7 };
    const { reason, looked } = await refusal(build, [good, wrong, ...Array.from({ length: 1_000 }, () => wrong)]);
    expect(reason).toBe('UpstreamInvalid');
    expect(looked).toBeLessThan(10);
  });

  it.each<[what: string, json: unknown]>([
    ['entries that are lists', { secrets: [[], []] }],
    ['an import that is none', { secrets: [], imports: [[]] }],
    ['a value that is no text', { secrets: [{ secretKey: 'A', secretValue: {} }] }],
    ['no list', { secrets: {} }],
    ['null', null],
  ])('is none with %s', async (_what, json) => {
    await expect(parseList(json)).rejects.toThrow(expect.objectContaining({ reason: 'UpstreamInvalid' }));
  });

  it('that is long leaves the loop free', async () => {
    const tags = [{ slug: 'a' }, { slug: 'b' }];
    const secretMetadata = [{ key: 'k', value: 'v' }];
    const secrets = Array.from({ length: 20_000 }, (_, at) => ({ ...good, secretKey: `K${at}`, tags, secretMetadata }));
    const stopwatch = new Stopwatch();
    const list = await parseList({ secrets }, stopwatch.turn);
    const { longestMs } = stopwatch;
    expect(list.secrets).toHaveLength(20_000);
    expect(longestMs).toBeLessThan(50);
  });

  it('of a million empty lists costs no more memory than the lists themselves', async () => {
    const json = { secrets: Array.from({ length: 1_000_000 }, () => []) };
    const before = process.memoryUsage().heapUsed;
    await expect(parseList(json)).rejects.toThrow();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8 * 2 ** 20);
  });
});
