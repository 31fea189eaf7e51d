// Walks the values of an answer of Pulumi's, each an object around the value itself, and makes a tree of them: in turns of the
// event loop, as an answer may hold some hundred thousand.
import { isRecord } from '../../base/json.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { OwnTurn } from '../../base/turns.ts';
import { notTheApi } from './wire.ts';

type Wire = Readonly<Record<string, unknown>>;

/** What the tree is made of. Lists and maps are filled after they were handed over. */
export interface TreeMaker<Value> {
  /** Undefined for what holds other values. Throws UpstreamInvalid. */
  leaf(wire: Wire): Value | undefined;
  list(items: readonly Value[], wire: Wire): Value;
  object(members: ReadonlyMap<string, Value>, wire: Wire): Value;
}

interface Frame<Value> {
  readonly rest: Iterator<readonly [string | number, unknown]>;
  readonly put: (name: string, value: Value) => void;
}

/** Nesting at which an answer is refused. */
const deepest = 200;
/** Values between two turns: some ms. */
const valuesPerTurn = 4_096;

/** Throws UpstreamInvalid at the first shape that does not fit, AnswerTooLarge for one that nests too deep. */
export async function readValueTree<Value>(
  properties: Wire,
  maker: TreeMaker<Value>,
  turn: OwnTurn,
): Promise<ReadonlyMap<string, Value>> {
  const root = new Map<string, Value>();
  const frames: Frame<Value>[] = [membersFrame(properties, root)];
  let values = 0;
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const next = frame.rest.next();
    if (next.done === true) {
      frames.pop();
      continue;
    }
    if (++values % valuesPerTurn === 0) await turn();
    const [name, wire] = next.value;
    // Something that is no object may be a value that no trace stands around.
    if (!isRecord(wire)) throw notTheApi('a value with its members');
    const { value, inner } = treeOf(wire, maker);
    frame.put(String(name), value);
    if (inner !== undefined) frames.push(inner);
    if (frames.length > deepest) {
      throw new OperatorError('AnswerTooLarge', `the environment nests deeper than ${deepest} levels`);
    }
  }
  return root;
}

function treeOf<Value>(
  wire: Wire,
  maker: TreeMaker<Value>,
): { readonly value: Value; readonly inner?: Frame<Value> | undefined } {
  const leaf = maker.leaf(wire);
  if (leaf !== undefined) return { value: leaf };
  const { value } = wire;
  if (Array.isArray(value)) {
    const items: Value[] = [];
    const rest = (value as readonly unknown[]).entries();
    return { value: maker.list(items, wire), inner: { rest, put: (_, item) => items.push(item) } };
  }
  if (!isRecord(value)) throw notTheApi('a value of a known type');
  const members = new Map<string, Value>();
  return { value: maker.object(members, wire), inner: membersFrame(value, members) };
}

function membersFrame<Value>(wires: Wire, into: Map<string, Value>): Frame<Value> {
  return { rest: Object.entries(wires).values(), put: (name, value) => into.set(name.toWellFormed(), value) };
}
