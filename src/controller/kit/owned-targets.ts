// Which targets belong to an object that writes some, by their owner references: found among what the caches hold, so that
// one which a crash, or a run that was overtaken, left behind is found as well.
import {
  isOrphanOf,
  type ObservedTarget,
  ownerKeyOf,
  type TargetSource,
  type TargetWriter,
} from '../../core/target-plan.ts';
import type { Informer } from '../../kube/contract.ts';
import { KeyIndex } from '../key-index.ts';
import type { OwnWrites } from './own-writes.ts';

export class OwnedTargets {
  readonly #view: OwnWrites<ObservedTarget>;
  readonly #writer: TargetWriter | undefined;
  /** Targets by owner, besides those that are named as their owner. */
  readonly #byOwner = new KeyIndex();
  readonly #unsubscribe: () => void;

  /** `writer` is the kind of the owners; absent means ExternalSecrets. */
  constructor(informer: Informer<ObservedTarget>, view: OwnWrites<ObservedTarget>, writer?: TargetWriter) {
    this.#view = view;
    this.#writer = writer;
    this.#unsubscribe = informer.subscribe(({ key, before, after }) => {
      const [former, owner] = [this.#ownerOf(before), this.#ownerOf(after)];
      if (former === owner) return;
      if (former !== undefined && former !== key) this.#byOwner.remove(former, key);
      if (owner !== undefined && owner !== key) this.#byOwner.add(owner, key);
    });
    for (const [key, target] of informer.entries()) {
      const owner = this.#ownerOf(target);
      if (owner !== undefined && owner !== key) this.#byOwner.add(owner, key);
    }
  }

  /** Targets that were written for the object under an earlier name. */
  orphansOf(key: string, source: TargetSource): ObservedTarget[] {
    const orphans: ObservedTarget[] = [];
    for (const place of [key, ...this.#byOwner.at(key)]) {
      const target = this.#view.get(place);
      if (target !== undefined && isOrphanOf(source, target)) orphans.push(target);
    }
    return orphans;
  }

  close(): void {
    this.#unsubscribe();
  }

  #ownerOf(target: ObservedTarget | undefined): string | undefined {
    return target === undefined ? undefined : ownerKeyOf(target, this.#writer);
  }
}
