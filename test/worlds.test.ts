// The operator in random worlds: whatever users, faults and chance do, and whenever, all is right seconds after the last
// event, right after two waves, and quiet from then on. CONTRIBUTING.md tells how to live through more of them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Happening, type WorldEvent, weighted } from './support/worlds/happenings/all.ts';
import { live } from './support/worlds/world.ts';

const { WORLDS = '300', WORLDS_SEED = '1', WORLDS_ONLY, WORLDS_PATH } = process.env;

const happenings = weighted.filter((one) => WORLDS_ONLY === undefined || WORLDS_ONLY.split(',').includes(one));

const share = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const event: fc.Arbitrary<WorldEvent> = fc.record({
  what: fc.constantFrom<Happening>(...happenings),
  a: share,
  b: share,
  c: share,
  thenMs: fc.oneof(fc.nat(60), fc.nat(1_500)),
});
/** Always so many, but for a world that failed: that one is told with as few as still make it fail. */
const eventCount = 18;
const maybeEvent = fc.option(event, { freq: 1_000_000, nil: undefined });
const plan = fc.record({
  seed: fc.nat(2 ** 30),
  events: fc
    .array(maybeEvent, { minLength: eventCount, maxLength: eventCount })
    .map((events) => events.filter((one) => one !== undefined)),
});

describe('any world', () => {
  it('ends right, and does nothing then', { timeout: 24 * 3_600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(plan, async (world) => {
        expect(await live(world)).toEqual({ soon: [], afterWaves: [], never: [], whileQuiet: [] });
      }),
      {
        numRuns: Number(WORLDS),
        seed: Number(WORLDS_SEED),
        ...(WORLDS_PATH === undefined ? {} : { path: WORLDS_PATH }),
      },
    );
  });
});
