// A ControllerRevision as far as it is one of an Environment's: what it holds, its number and its owner. Read with care: who
// may write ControllerRevisions in a namespace need not be who may write its Environments.
import { isRecord, listOf } from '../base/json.ts';
import { recordAt } from './parse.ts';

export interface EnvironmentRevision {
  readonly number: number;
  /** Of the object that controls it; '' when none does. */
  readonly ownerUid: string;
  readonly data: { readonly imports?: readonly unknown[]; readonly values?: unknown };
}

/** Undefined for what is none. */
export function parseRevision(raw: unknown): EnvironmentRevision | undefined {
  if (!isRecord(raw)) return undefined;
  const { revision } = raw;
  if (typeof revision !== 'number' || !Number.isSafeInteger(revision) || revision < 1) return undefined;
  const { imports, values } = recordAt(raw, 'data');
  const owners = listOf(recordAt(raw, 'metadata')['ownerReferences']).filter(isRecord);
  const uid = owners.find((owner) => owner['controller'] === true)?.['uid'];
  return {
    number: revision,
    ownerUid: typeof uid === 'string' ? uid : '',
    data: {
      ...(Array.isArray(imports) ? { imports: imports as readonly unknown[] } : {}),
      ...(values === undefined ? {} : { values }),
    },
  };
}
