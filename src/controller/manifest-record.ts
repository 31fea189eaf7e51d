// What the caches keep of a manifest target: its marks, and digests of what it holds.
import { contentOf, hashWritten } from '../core/manifest/manifest-plan.ts';
import { hashAll } from '../core/object-hash.ts';
import type { ObservedTarget } from '../core/target-plan.ts';
import type { KubeObject } from '../kube/types.ts';
import { kept, targetRecord } from './records.ts';

export interface ObservedManifest extends ObservedTarget {
  /** Digest of all that the object holds; `dataHash` is that of the part that ESO's annotation speaks of, of it what we wrote. */
  readonly contentHash: string;
}

/** The whole record, for a plan. */
export function manifestRecord(object: KubeObject): ObservedManifest {
  const content = contentOf(object);
  const { metadata } = object;
  const record = targetRecord({ metadata });
  return { ...record, type: '', dataHash: hashWritten(content, record), contentHash: hashAll(content) };
}

/** The record as it is kept in a cache. */
export function keptManifestRecord(object: KubeObject): ObservedManifest {
  return kept(manifestRecord(object));
}
