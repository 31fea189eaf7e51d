import { afterAll, beforeAll, describe, it } from 'vitest';
import { type CloudDoubles, startCloudDoubles } from './doubles.ts';
import { cloudNames, suites } from './providers.ts';
import { obstacle, runCase } from './run.ts';

let doubles: CloudDoubles;

beforeAll(async () => {
  doubles = await startCloudDoubles();
});
afterAll(() => doubles.stop());

describe.each(cloudNames)('the double of %s', (name) => {
  const suite = suites[name];

  it.each(suite.cases)('$name', async (each) => {
    const target = doubles.targets[name];
    const reason = obstacle(each, target);
    if (reason !== undefined) throw new Error(reason);
    await runCase(suite, each, target);
  });
});
