// A text that outlives the process, in a Secret of the operator's own namespace: the next leader finds there what this one kept.
// The Secret is made by whoever installs the operator, which has the right to read and to update just this one.
import { asOperatorError } from '../base/operator-error.ts';
import { fieldManager } from '../controller/kinds.ts';
import { SecretValue } from '../core/secret-value.ts';
import { secretResource } from '../credentials/store-credentials.ts';
import type { Kube } from '../kube/contract.ts';
import { keyOf, type ObjectName, type Secret } from '../kube/types.ts';
import type { LastingText } from '../providers/esc/open/vault-leases.ts';
import type { Logger } from '../telemetry/logger.ts';

interface LastingSecretPorts {
  readonly kube: Pick<Kube, 'get' | 'update'>;
  /** Throws Aborted when this replica may no longer write. */
  readonly guard: () => void;
  readonly log: Pick<Logger, 'warn'>;
}

const dataKey = 'leases';
/** Not bound to the end of the process: what was opened last must still be saved. */
const callMs = 5_000;

export function lastingSecret(name: ObjectName, { kube, guard, log }: LastingSecretPorts): LastingText {
  /** As it was seen last, without its data; undefined when there is none to write. */
  let seen: Secret | undefined;
  const read = async () => {
    const secret = await kube.get<Secret>(secretResource, name, AbortSignal.timeout(callMs));
    seen = withData(secret, {});
    return secret;
  };
  const write = async (text: SecretValue) => {
    if (seen === undefined) return;
    guard();
    const sent = withData(seen, { [dataKey]: text.reveal().toString('base64') });
    const options = { fieldManager };
    seen = withData(await kube.update<Secret>(secretResource, sent, options, AbortSignal.timeout(callMs)), {});
  };
  return {
    async load() {
      try {
        const text = (await read()).data?.[dataKey];
        return text === undefined ? undefined : new SecretValue(Buffer.from(text, 'base64'));
      } catch (thrown) {
        const error = asOperatorError(thrown);
        if (error.reason !== 'ReferenceNotFound' && error.reason !== 'ApiDenied') throw error;
        log.warn({ detail: keyOf(name), err: error }, 'leased credentials will not outlive this process');
        return undefined;
      }
    },
    async save(text) {
      try {
        try {
          await write(text);
        } catch (thrown) {
          if (asOperatorError(thrown).reason !== 'Conflict') throw thrown;
          await read(); // somebody labelled it
          await write(text);
        }
      } catch (thrown) {
        log.warn({ detail: keyOf(name), err: thrown }, 'leased credentials could not be kept for the next process');
      }
    },
  };
}

function withData({ apiVersion, kind, metadata, type }: Secret, data: Readonly<Record<string, string>>): Secret {
  return { ...(apiVersion && { apiVersion }), ...(kind && { kind }), metadata, ...(type && { type }), data };
}
