// How an event chooses whom it befalls.
import type { ModelObject } from '../../model/kinds.ts';
import { home, keys } from '../specs.ts';
import type { Stage } from '../stage.ts';

/** Numbers from 0 up to 1. */
export interface Chance {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export type Happenings = Readonly<Record<string, (stage: Stage, chance: Chance) => unknown>>;

export function pick<T>(among: readonly T[], share: number): T {
  return among[Math.min(among.length - 1, Math.floor(share * among.length))] as T; // of a list that is not empty
}

/** Another number from 0 up to 1 that follows from one. */
export function part(share: number, which: number): number {
  return (share * 97 ** which) % 1;
}

export function keysBy(share: number): readonly string[] {
  return share < 0.33 ? ['k'] : share < 0.66 ? ['l'] : keys;
}

export function at(name: string) {
  return { namespace: home, name };
}

export function withLabels(object: ModelObject, labels: Readonly<Record<string, string>>): ModelObject {
  return { ...object, metadata: { ...object.metadata, labels } };
}
