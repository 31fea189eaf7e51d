// `kubernetes-secrets` and `kubernetes-configmaps`: keys of Secrets and ConfigMaps of the Environment's own namespace.
//
//   fn::open::kubernetes-secrets:
//     get:
//       password: { name: database, key: password }   # one key
//       all: { name: database }                       # an object of all keys

import { OperatorError } from '../../../base/operator-error.ts';
import { readAll } from '../../../base/read-all.ts';
import { bytesValue, type EscValue, objectValue } from '../../../core/esc/value.ts';
import type { EscProvider, OpenContext } from './contract.ts';
import { mapOf, member, textOf } from './inputs.ts';

type Kind = 'Secret' | 'ConfigMap';

const shape = {
  inputs: {
    type: 'object',
    properties: {
      get: mapOf({
        type: 'object',
        properties: { name: { type: 'string', minLength: 1 }, key: { type: 'string', minLength: 1 } },
        required: ['name'],
      }),
    },
    required: ['get'],
  },
  outputs: { type: 'object', additionalProperties: true },
} as const;

export const kubernetesSecrets: EscProvider = {
  ...shape,
  secret: true,
  open: (inputs, at, signal) => openAll('Secret', inputs, at, signal),
};

export const kubernetesConfigMaps: EscProvider = {
  ...shape,
  open: (inputs, at, signal) => openAll('ConfigMap', inputs, at, signal),
};

async function openAll(kind: Kind, inputs: EscValue, context: OpenContext, signal: AbortSignal): Promise<EscValue> {
  const wanted = [...member(inputs, 'get').members];
  const open = async ([name, entry]: (typeof wanted)[number]) =>
    [name, await openEntry(kind, entry, context, signal)] as const;
  return objectValue(await readAll(wanted.map(open)));
}

async function openEntry(kind: Kind, entry: EscValue, context: OpenContext, signal: AbortSignal): Promise<EscValue> {
  const { namespace, cluster } = context;
  const name = textOf(entry, 'name') ?? '';
  const key = textOf(entry, 'key');
  const at = `${kind} "${namespace}/${name}"`;
  const data = await cluster.readData(kind, { namespace, name }, signal);
  if (data === undefined) throw new OperatorError('ReferenceNotFound', `${at} does not exist`);
  const secret = kind === 'Secret';
  if (key === undefined) {
    return objectValue(
      [...data].map(([each, value]) => [each, bytesValue(value.reveal(), { secret })] as const),
      { secret },
    );
  }
  const found = data.get(key);
  if (found !== undefined) return bytesValue(found.reveal(), { secret });
  const keys = [...data.keys()].sort().slice(0, 10);
  throw new OperatorError(
    'InvalidCredential',
    `${at} has no key ${JSON.stringify(key)}; ${keys.length === 0 ? 'it is empty' : `it has ${keys.join(', ')}`}`,
  );
}
