// Which targets belong to an ExternalSecret, by their owner references: found among what the caches hold, so that one
// which a crash, or a run that was overtaken, left behind is found as well.
import { isOrphanOf, type ObservedTarget, ownerKeyOf } from '../../core/target-plan.ts';
import type { Informer } from '../../kube/contract.ts';
import { KeyIndex } from '../key-index.ts';
import type { OwnWrites } from '../kit/own-writes.ts';
import type { ExternalSecretRecord } from '../records.ts';

export class OwnedTargets {
  readonly #view: OwnWrites<ObservedTarget>;
  /** Targets by owner, besides those that are named as their owner. */
  readonly #byOwner = new KeyIndex();
  readonly #unsubscribe: () => void;

  constructor(informer: Informer<ObservedTarget>, view: OwnWrites<ObservedTarget>) {
    this.#view = view;
    this.#unsubscribe = informer.subscribe(({ key, before, after }) => {
      const [former, owner] = [ownerOf(before), ownerOf(after)];
      if (former === owner) return;
      if (former !== undefined && former !== key) this.#byOwner.remove(former, key);
      if (owner !== undefined && owner !== key) this.#byOwner.add(owner, key);
    });
    for (const [key, target] of informer.entries()) {
      const owner = ownerOf(target);
      if (owner !== undefined && owner !== key) this.#byOwner.add(owner, key);
    }
  }

  /** Secrets that were written for the object under an earlier `target.name`. */
  orphansOf(key: string, es: ExternalSecretRecord): ObservedTarget[] {
    const orphans: ObservedTarget[] = [];
    for (const place of [key, ...this.#byOwner.at(key)]) {
      const target = this.#view.get(place);
      if (target !== undefined && isOrphanOf(es, target)) orphans.push(target);
    }
    return orphans;
  }

  close(): void {
    this.#unsubscribe();
  }
}

function ownerOf(target: ObservedTarget | undefined): string | undefined {
  return target === undefined ? undefined : ownerKeyOf(target);
}
