// Runs the cases of a cloud at a server, each with providers of its own, and says what came of each.
import type { Routes } from '../../support/cloud/routed-door.ts';
import type { CloudCase, CloudSuite, Facts } from './contract.ts';
import { cloudDesk } from './desk.ts';

/** A server, or several, with what lies there. */
export interface CloudTarget {
  readonly facts: Facts;
  /** Roots of the servers that take the place of the cloud's hosts; absent for the hosts themselves. */
  readonly routes?: Routes | undefined;
  /** Why a case cannot be shown here, by its name. */
  readonly cannot?: Readonly<Record<string, string>>;
  /** What must be done at the server before a case. */
  readonly before?: (each: CloudCase) => Promise<void>;
}

/** The way to one server that takes the place of all hosts of a cloud; undefined where documents name the address. */
export function routesTo({ hosts }: CloudSuite, facts: Facts, url: string): Routes | undefined {
  return hosts && Object.fromEntries(hosts(facts).map((host) => [host, url]));
}

/** Why a case cannot be shown there; undefined when it can. */
export function obstacle(each: CloudCase, { facts, cannot = {} }: CloudTarget): string | undefined {
  const missing = [...new Set(each.needs)].filter((name) => facts[name] === undefined);
  return missing.length > 0 ? `not told ${missing.join(', ')}` : cannot[each.name];
}

/** Throws where the outcome is another one. */
export async function runCase(suite: CloudSuite, each: CloudCase, target: CloudTarget): Promise<void> {
  const { before, facts, routes } = target;
  await before?.(each);
  const plain = [suite.address, 'host'].flatMap((name) => {
    const address = name === undefined ? undefined : facts[name];
    return address?.startsWith('http://') ? [address] : [];
  });
  const desk = await cloudDesk({ routes, plain, token: facts['token'] });
  try {
    await each.run(desk, facts);
  } finally {
    await desk.stop();
  }
}

export type Verdict = 'passed' | 'failed' | 'skipped';

/** `say` is told each case that did not pass. */
export async function runSuite(
  suite: CloudSuite,
  target: CloudTarget,
  say: (line: string) => void,
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const each of suite.cases) {
    const reason = obstacle(each, target);
    if (reason !== undefined) {
      say(`skipped: ${each.name}: ${reason}`);
      verdicts.push('skipped');
      continue;
    }
    try {
      await runCase(suite, each, target);
      verdicts.push('passed');
    } catch (error) {
      say(`failed: ${each.name}: ${error instanceof Error ? error.message : String(error)}`);
      verdicts.push('failed');
    }
  }
  return verdicts;
}
