// The kinds of manifest targets in the cluster: found by discovery, followed by an informer each from the first time that
// an ExternalSecret names them. Of each object with our label only digests and marks are kept.
import { OperatorError } from '../base/operator-error.ts';
import type { ManifestPorts } from '../controller/external-secret/manifest-targets.ts';
import { keptManifestRecord } from '../controller/manifest-record.ts';
import { managedLabel, managedLabelValue } from '../core/contract-names.ts';
import { resourceOfKind } from '../kube/discovery.ts';
import type { InformerDeps } from '../kube/informer.ts';
import type { Resource } from '../kube/types.ts';
import { startCache } from './caches.ts';

/** How long the first list of a kind is waited for. */
const syncedWithinMs = 10_000;

/** `namespaces` limits what is followed to those; empty follows all. */
export function manifestKinds(deps: InformerDeps, namespaces: readonly string[]): ManifestPorts {
  return {
    resourceOf: (kind, signal) => resourceOfKind(deps.transport, kind, signal),
    async follow(resource, signal) {
      const refused = Promise.withResolvers<never>();
      refused.promise.catch(() => {}); // nobody waits for it once the kind is in step
      const onTrouble = (error: OperatorError | undefined) => {
        if (error?.reason === 'ApiDenied') refused.reject(withoutRight(resource, error));
      };
      const cache = startCache(
        {
          resource,
          namespaces,
          labelSelector: `${managedLabel}=${managedLabelValue}`,
          trim: keptManifestRecord,
        },
        { ...deps, onTrouble },
      );
      const timer = deps.clock.after(syncedWithinMs, () =>
        refused.reject(new OperatorError('ApiUnavailable', `list ${resource.plural}: no answer from the API server`)),
      );
      try {
        await Promise.race([cache.informer.whenSynced(signal), refused.promise]);
      } catch (thrown) {
        cache.informer.stop();
        throw thrown;
      } finally {
        timer.cancel();
      }
      return { ...cache, stop: () => cache.informer.stop() };
    },
  };
}

function withoutRight({ group, plural }: Resource, error: OperatorError): OperatorError {
  const named = `apiGroup "${group}", resource "${plural}"`;
  return new OperatorError(
    'ApiDenied',
    `${error.message}; a manifest target needs get, list, watch, create, update and delete (chart: genericTargets.resources with ${named})`,
    { cause: error },
  );
}
