// What can be seen of those who take from Environments as `consumed.ts` writes them, with their variable VALUE: the
// ExternalSecret and the publication, each with its Secret and its condition.
import type { ApiObject } from '../kube-api.ts';
import { decoded, type Scene } from '../scene.ts';
import { condition, type Follower, follow, until } from '../wait.ts';

export interface ConsumerEyes {
  /** Of Environments. */
  readonly environments: Follower;
  /** What the Secret of the ExternalSecret holds; undefined when it is not there. */
  value(name: string): string | undefined;
  /** Settles when both Secrets hold such a value (any, by default), and both consumers say Ready. */
  inStep(name: string, isNew?: (value: string | undefined) => boolean): Promise<void>;
  /** Settles when both consumers say so in their conditions, and gives what they say. */
  told(name: string, isSaid: (message: string) => boolean): Promise<readonly string[]>;
  /** Reasons of the failures of the ExternalSecret, once the log has any. */
  reasons(name: string): Promise<readonly string[]>;
  /** What the ExternalSecret said with Ready=False since (by `performance.now()`), and when it did so first. */
  reds(name: string, sinceMs?: number): { readonly messages: readonly string[]; readonly atMs: number | undefined };
  /** All that was ever told in conditions and events. */
  shown(): string;
}

/** Within which anything happens that is waited for, on a machine that does much else. */
const patienceMs = 30_000;

export const readyOf = (one: ApiObject | undefined) => condition(one, 'Ready');
const messageOf = (one: ApiObject | undefined) => readyOf(one)?.message ?? '';
const textIn = (secret: ApiObject | undefined) => (secret === undefined ? undefined : decoded(secret)['VALUE']);

/** Begins to look; `environments` of what it gives is to be stopped. */
export async function watchConsumers(scene: Scene): Promise<ConsumerEyes> {
  const { externalSecrets, secrets, events } = scene;
  const environments = await follow(scene.api, 'Environment', scene.namespace);
  return {
    environments,
    value: (name) => textIn(secrets.get(name)),
    async inStep(name, isNew = (value) => value !== undefined) {
      const holds = (secret: ApiObject) => isNew(textIn(secret));
      const isReady = (one: ApiObject) => readyOf(one)?.status === 'True';
      await Promise.all([
        secrets.until(name, 'is new', holds, patienceMs),
        secrets.until(`${name}-published`, 'is new', holds, patienceMs),
        externalSecrets.until(name, 'is in step', isReady, patienceMs),
        environments.until(name, 'is in step', isReady, patienceMs),
      ]);
    },
    async told(name, isSaid) {
      const says = (one: ApiObject) => isSaid(messageOf(one));
      const both = [externalSecrets, environments].map((each) => each.until(name, 'tells of it', says, patienceMs));
      return (await Promise.all(both)).map(messageOf);
    },
    reasons: (name) =>
      until(`the log says why ${name} failed`, () => {
        const lines = scene.operator().output().split('\n').slice(0, -1); // the last one may be half-written
        const own = lines.filter((line) => line.includes(`"${name}"`) && line.includes('"ExternalSecret"'));
        const reasons = own.flatMap((line) => (JSON.parse(line) as { readonly reason?: string }).reason ?? []);
        return reasons.length > 0 && [...new Set(reasons)];
      }),
    reds(name, sinceMs = 0) {
      const since = externalSecrets.history(name).filter(({ atMs }) => atMs >= sinceMs);
      const red = since.filter(({ object }) => readyOf(object)?.status === 'False');
      return { messages: red.map(({ object }) => messageOf(object)), atMs: red[0]?.atMs };
    },
    shown() {
      const seen = [environments, externalSecrets, events].flatMap((each) => each.history());
      return JSON.stringify(seen.map(({ object: { status, reason, message } }) => [status, reason, message]));
    },
  };
}
