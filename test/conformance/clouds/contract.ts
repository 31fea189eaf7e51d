// What a case of conformance with a cloud is: what must lie there that it can be shown, and what is opened and looked at.
import { ok } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import type { CloudDesk } from './desk.ts';

/** What lies at a server and who may read it, by name: the same for a double, an emulator and the cloud itself. */
export type Facts = Readonly<Record<string, string>>;

export interface CloudCase {
  readonly name: string;
  /** Names of facts without which it cannot be shown. */
  readonly needs: readonly string[];
  /** Throws where the outcome is another one. */
  run(desk: CloudDesk, facts: Facts): Promise<void>;
}

export interface CloudSuite {
  /** What each fact means, for whoever must give it. */
  readonly facts: Readonly<Record<string, string>>;
  /** Names that a server in their place stands for. Absent where documents name the address. */
  readonly hosts?: (facts: Facts) => readonly string[];
  /** The fact that the address of the server is. */
  readonly address?: string;
  readonly cases: readonly CloudCase[];
}

/** Makes cases that see the facts they need, and perhaps others; `common` is needed by all of them. */
export function casesWith<const T extends Readonly<Record<string, string>>, const C extends keyof T & string>(
  _facts: T,
  common: readonly C[],
) {
  type Name = keyof T & string;
  return <const N extends Name>(
    name: string,
    needs: readonly N[],
    run: (
      desk: CloudDesk,
      facts: Readonly<Record<C | N, string>> & Readonly<Partial<Record<Name, string>>>,
    ) => Promise<void>,
  ): CloudCase => ({
    name,
    needs: [...common, ...needs],
    // Whoever runs a case has looked for what it needs.
    run: (desk, facts) => run(desk, facts as Parameters<typeof run>[1]),
  });
}

/** Nothing is called so anywhere. */
export const absentName = 'escapement-none';

/** A document value that is secret. */
export const secret = (text: string) => ({ 'fn::secret': text });

/** Throws unless all are the same. What they hold is not told: it may be a credential. */
export function areSame([first, ...others]: readonly unknown[]): void {
  ok(
    others.every((each) => isDeepStrictEqual(each, first)),
    'openings that are the same gave different values',
  );
}
