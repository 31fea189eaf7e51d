// Credentials that Vault made and that are kept for as long as their leases are renewed: the same credential goes on serving,
// where another request would make one more. They are kept for the next process too, where there is a place that outlives this
// one: each as Vault answered it, with the token that its lease hangs on. Bounded in bytes; what is forgotten is made anew.
//
//   answer ──keep──► this process ──saved before it is used──► place ──► the next process: token looked up, lease renewed

import * as z from 'zod/mini';
import type { Clock } from '../../../base/clock.ts';
import { tryJson } from '../../../base/json.ts';
import { SecretValue } from '../../../core/secret-value.ts';

/** Where a text outlives the process. */
export interface LastingText {
  /** What was saved last, by whatever process; undefined when nothing was. Throws what makes it unknown for now. */
  load(): Promise<SecretValue | undefined>;
  /** Never throws: what could not be saved is missed by the next process only. */
  save(text: SecretValue): Promise<void>;
}

export const nowhere: LastingText = { load: async () => undefined, save: async () => {} };

/** Who logged in for a token. */
export interface KeptLogin {
  /** Key of the identity; holds no secret. */
  readonly identity: string;
  readonly token: SecretValue;
}

/** A credential, and the lease under which it works. */
export interface Lease {
  readonly id: string;
  /** The answer that it came with, as JSON. */
  readonly answer: SecretValue;
  /** What the lease was given for at first, in ms. */
  readonly lifeMs: number;
  /** Monotonic ms. */
  readonly endsAtMs: number;
  /** The namespace that it is kept for. */
  readonly tenant: string;
  /** The login that its token came from; absent for a token that the document gave. */
  readonly login?: KeptLogin | undefined;
}

interface Kept extends Lease {
  /** As it is saved. */
  readonly record: SecretValue;
  /** The end that the record tells, in epoch ms. */
  readonly toldEndMs: number;
}

/** All fit one Secret, whose data may have 1 MiB. */
const mostBytes = 700_000;
const largestBytes = 64 * 1024;

/** A renewal is saved only when the end that was saved lies so far back; what ended twice as long ago is not loaded. */
const staleMs = 12 * 3_600_000;

const savedLeases = z.object({
  version: z.literal(1),
  leases: z.array(
    z.object({
      key: z.string(),
      id: z.string(),
      answer: z.string(),
      lifeMs: z.number().check(z.positive()),
      endsAt: z.number(),
      tenant: z.string(),
      login: z.optional(z.object({ identity: z.string(), token: z.string() })),
    }),
  ),
});

export class VaultLeases {
  readonly #clock: Clock;
  readonly #place: LastingText;
  readonly #kept = new Map<string, Kept>();
  /** What each namespace has of the bytes. */
  readonly #bytesOf = new Map<string, number>();
  #bytes = 0;
  /** Tokens of the process before, by identity. */
  readonly #formerTokens = new Map<string, SecretValue>();
  #loading: Promise<void> | undefined;
  #saving: Promise<void> = Promise.resolve();
  #nextSave: Promise<void> | undefined;

  constructor(clock: Clock, place: LastingText = nowhere) {
    this.#clock = clock;
    this.#place = place;
  }

  /** Resolves once it is known what the process before kept. Throws what loading throws, and loads again the next time. */
  async whenKnown(): Promise<void> {
    this.#loading ??= this.#load().catch((thrown: unknown) => {
      this.#loading = undefined;
      throw thrown;
    });
    await this.#loading;
  }

  /** The token that the process before had for the identity. */
  formerToken(identity: string): SecretValue | undefined {
    return this.#formerTokens.get(identity);
  }

  forgetToken(identity: string): void {
    this.#formerTokens.delete(identity);
  }

  /** The lease of that key, unless it has ended. */
  get(key: string): Lease | undefined {
    const lease = this.#kept.get(key);
    return lease !== undefined && lease.endsAtMs > this.#clock.monotonicMs() ? lease : undefined;
  }

  /** Keeps the lease as the latest. Resolves once it is saved, where its end or itself is news. */
  async keep(key: string, lease: Lease): Promise<void> {
    const before = this.#kept.get(key);
    const endsAtMs = this.#clock.nowMs() + lease.endsAtMs - this.#clock.monotonicMs();
    const isTold = before?.id === lease.id && endsAtMs - before.toldEndMs < staleMs;
    const told = isTold ? before : { record: recordOf(key, lease, endsAtMs), toldEndMs: endsAtMs };
    this.#add(key, { ...lease, record: told.record, toldEndMs: told.toldEndMs });
    if (!isTold) await this.#save();
  }

  forget(key: string): void {
    const lease = this.#kept.get(key);
    if (lease === undefined) return;
    this.#kept.delete(key);
    this.#count(lease, -1);
  }

  #add(key: string, lease: Kept): void {
    this.forget(key);
    if (lease.record.length > largestBytes) return;
    this.#kept.set(key, lease);
    this.#count(lease, 1);
    while (this.#bytes > mostBytes) this.#forgetOldest();
  }

  /** Of the namespace that has most, so that nobody's leases go because of another's. */
  #forgetOldest(): void {
    const [greatest] = [...this.#bytesOf].reduce((most, each) => (each[1] > most[1] ? each : most));
    for (const [key, { tenant }] of this.#kept) {
      if (tenant !== greatest) continue;
      this.forget(key);
      return;
    }
  }

  #count({ tenant, record }: Kept, sign: 1 | -1): void {
    const bytes = (this.#bytesOf.get(tenant) ?? 0) + sign * record.length;
    if (bytes === 0) this.#bytesOf.delete(tenant);
    else this.#bytesOf.set(tenant, bytes);
    this.#bytes += sign * record.length;
  }

  async #load(): Promise<void> {
    const text = await this.#place.load();
    const parsed = savedLeases.safeParse(text === undefined ? undefined : tryJson(text.reveal()));
    const nowMs = this.#clock.monotonicMs();
    for (const { key, endsAt, answer, login, ...saved } of parsed.success ? parsed.data.leases : []) {
      if (endsAt + 2 * staleMs < this.#clock.nowMs()) continue;
      const lease = {
        ...saved,
        answer: new SecretValue(answer),
        // It may have been renewed since: whoever asks for it next finds out, as a renewal comes first.
        endsAtMs: nowMs + saved.lifeMs,
        ...(login && { login: { ...login, token: new SecretValue(login.token) } }),
      };
      this.#add(key, { ...lease, record: recordOf(key, lease, endsAt), toldEndMs: endsAt });
      if (lease.login !== undefined) this.#formerTokens.set(lease.login.identity, lease.login.token);
    }
  }

  /** One save at a time; those that come meanwhile share the next. */
  #save(): Promise<void> {
    this.#nextSave ??= this.#saving.then(() => {
      this.#nextSave = undefined;
      const records = [...this.#kept.values()].map(({ record }) => record.text());
      this.#saving = this.#place.save(new SecretValue(`{"version":1,"leases":[${records.join(',')}]}`));
      return this.#saving;
    });
    return this.#nextSave;
  }
}

function recordOf(key: string, { id, answer, lifeMs, tenant, login }: Lease, endsAt: number): SecretValue {
  const signedIn = login && { identity: login.identity, token: login.token.text() };
  const saved = { key, id, answer: answer.text(), lifeMs, endsAt: Math.round(endsAt), tenant, login: signedIn };
  return new SecretValue(JSON.stringify(saved));
}
