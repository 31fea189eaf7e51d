// The values of an evaluated environment as a store keeps them: without flags and traces.
import { isRecord } from '../../base/json.ts';
import { type OwnTurn, ownTurn } from '../../base/turns.ts';
import { SecretValue } from '../../core/secret-value.ts';
import { readValueTree, type TreeMaker } from './value-tree.ts';
import { type EscValue, NumberText, notTheApi } from './wire.ts';

/** The properties of an evaluated environment. Throws UpstreamInvalid at the first shape that does not fit. */
export async function parseEnvironment(json: unknown, turn: OwnTurn = ownTurn): Promise<EscValue> {
  if (!isRecord(json)) throw notTheApi('an evaluated environment');
  const properties = json['properties'];
  // An environment without values has no properties, but then at least says which evaluation it was.
  if (properties === undefined || properties === null) {
    if (json['executionContext'] === undefined && json['exprs'] === undefined && json['schema'] === undefined) {
      throw notTheApi('an evaluated environment');
    }
    return { kind: 'object', members: new Map() };
  }
  if (!isRecord(properties)) throw notTheApi('an evaluated environment');
  return { kind: 'object', members: await readValueTree(properties, plainValues, turn) };
}

const plainValues: TreeMaker<EscValue> = {
  leaf(wire) {
    if (wire['unknown'] === true) return { kind: 'unknown' };
    const { value } = wire;
    if (value === undefined || value === null) return { kind: 'null' };
    if (typeof value === 'string') return { kind: 'string', value: new SecretValue(value) };
    if (typeof value === 'boolean') return { kind: 'literal', value: new SecretValue(String(value)) };
    return value instanceof NumberText ? { kind: 'literal', value: new SecretValue(value.text) } : undefined;
  },
  list: (items) => ({ kind: 'list', items }),
  object: (members) => ({ kind: 'object', members }),
};
