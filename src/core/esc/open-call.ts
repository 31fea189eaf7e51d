// `fn::open` and `fn::rotate`: inputs are evaluated and checked, then the caller is asked for the value. Secrets among the
// inputs do not make the outputs secret: providers flag their own.
import type { Cell } from './cell.ts';
import { checkValue } from './check-schema.ts';
import { joinPath, writePath } from './diagnostics.ts';
import type { Environment } from './environment.ts';
import type { Place } from './expression.ts';
import { type Opening, type OpeningResult, type ProviderShape, type RotatorShape, scrub } from './openings.ts';
import { parsePath } from './reference.ts';
import { own, type Schema } from './schema.ts';
import { goQuote } from './text-forms.ts';
import { EscValue, mapDeep, nullValue, unknownValue } from './value.ts';

export interface ProviderCall {
  readonly environment: Environment;
  readonly provider: string;
  /** Where the provider's name stands. */
  readonly providerPlace: Place;
  /** Where the call stands. */
  readonly place: Place;
  readonly inputs: Cell;
}

export function openProvider(call: ProviderCall): EscValue {
  const { environment, provider, inputs } = call;
  const { input } = environment.session;
  const shape = input.shapes.provider(provider);
  if (shape === undefined) return unknownOf(call, 'provider');
  const checked = checkedInputs(call, shape);
  if (input.mode === 'check') return unknownValue({ schema: shape.outputs, secret: shape.secret });
  if (checked === undefined || checked.inside.blocked) return blocked(shape, inputs);
  const opening: Opening = { kind: 'open', ...identity(call, 'open'), inputs: checked };
  return received(call, opening, environment.session.answer(opening), '');
}

export interface RotationPaths {
  /** The call below `values`, and its state in the document. */
  readonly path: string;
  readonly statePath: string;
}

export function openRotator(call: ProviderCall, state: Cell | undefined, paths: RotationPaths): EscValue {
  const { environment, provider, inputs } = call;
  const { session, isRoot } = environment;
  const { mode } = session.input;
  const shape = session.input.shapes.rotator(provider);
  if (shape === undefined) return unknownOf(call, 'rotator');
  // Managing credentials are looked at only where a rotation is, or may be, asked for.
  if (mode === 'open' || !isRoot) skipRotateOnly(inputs, shape.inputs);
  const checked = checkedInputs(call, shape);
  const known = checkedState(environment, shape, state);
  if (mode === 'check') return unknownValue({ schema: shape.outputs, secret: shape.secret });
  const rotates = mode === 'rotate' && isRoot && isSelected(paths.path, session.input.rotatePaths);
  if (checked === undefined || known === undefined || checked.inside.blocked || known.inside.blocked) {
    if (rotates) session.rotations.push({ status: 'not-evaluated', path: paths.path });
    return blocked(shape, inputs, known);
  }
  const current = rotates ? rotated(call, checked, known, paths) : known;
  if (current.data.kind === 'unknown') return current;
  const opening: Opening = { kind: 'open rotated', ...identity(call, 'open rotated'), inputs: checked, state: current };
  return received(call, opening, session.answer(opening), '');
}

/** The new state; an unknown when it is not there yet or could not be made. */
function rotated(call: ProviderCall, inputs: EscValue, state: EscValue, paths: RotationPaths): EscValue {
  const { session } = call.environment;
  const opening: Opening = { kind: 'rotate', ...identity(call, 'rotate'), inputs, state };
  const answer = session.answer(opening);
  if (answer !== undefined && 'error' in answer) session.rotations.push({ status: 'failed', path: paths.path });
  const made = received(call, opening, answer, 'rotate: ');
  if (answer !== undefined && 'value' in answer) session.rotations.push({ status: 'succeeded', state: made, ...paths });
  return made;
}

function isSelected(path: string, chosen: readonly string[] = []): boolean {
  return chosen.length === 0 || chosen.some((each) => normalised(each) === path);
}

/** A path as it is written in diagnostics, however the caller wrote it. */
function normalised(text: string): string | undefined {
  return parsePath(text)?.reduce<string>((path, { key }) => joinPath(path, key), '');
}

/** The inputs, other names replaced; undefined after telling what does not fit. */
function checkedInputs({ environment, inputs, place }: ProviderCall, shape: ProviderShape): EscValue | undefined {
  const value = withoutAliases(environment.evaluate(inputs), shape.aliases ?? {});
  const { ok, problems } = checkValue(shape.inputs, value);
  for (const { summary, at } of problems) environment.tell(inputs.partPlace(at), { summary });
  if (!ok) return undefined;
  const { kind } = value.data;
  if (kind === 'object' || kind === 'unknown') return value;
  environment.tell(inputs.expression.span === undefined ? place : inputs.expression, {
    summary: `expected object, got ${kind}`,
  });
  return undefined;
}

function withoutAliases(value: EscValue, aliases: Readonly<Record<string, string>>): EscValue {
  const { data } = value;
  if (data.kind !== 'object' || !Object.keys(aliases).some((alias) => value.members.has(alias))) return value;
  const own = new Map<string, EscValue>();
  for (const [key, member] of value.members) {
    const name = ownAlias(aliases, key);
    if (name === undefined || value.members.has(name)) own.set(key, member);
    else own.set(name, member);
  }
  return new EscValue({ kind: 'object', own, base: data.base?.data.kind === 'unknown' ? data.base : undefined }, value);
}

function ownAlias(aliases: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(aliases, key) ? aliases[key] : undefined;
}

function checkedState(environment: Environment, shape: RotatorShape, state: Cell | undefined): EscValue | undefined {
  if (state === undefined) return nullValue;
  const value = environment.evaluate(state);
  const accepted: Schema = {
    oneOf: [shape.state, { type: 'null' }],
    ...(typeof shape.state === 'object' && shape.state.$defs !== undefined && { $defs: shape.state.$defs }),
  };
  const { ok, problems } = checkValue(accepted, value);
  for (const { summary, at } of problems) environment.tell(state.partPlace(at), { summary });
  return ok ? value : undefined;
}

/** Inputs that only a rotation needs stay unknown, at any depth of the literal. */
function skipRotateOnly(cell: Cell, schema: Schema): void {
  if (typeof schema === 'boolean' || cell.expression.kind !== 'object') return;
  for (const [key, member] of cell.members) {
    const property = own(schema.properties, key);
    if (schema.rotateOnly?.includes(key) === true) member.value = unknownValue({ awaits: 'rotateOnly' });
    else if (property !== undefined) skipRotateOnly(member, property);
  }
}

/** What is told of a name that is not known. */
export function unknownShape(kind: string, name: string): string {
  return `unknown ${kind} ${goQuote(name)}`;
}

function unknownOf({ environment, provider, providerPlace, inputs }: ProviderCall, kind: string): EscValue {
  environment.tell(providerPlace, { summary: unknownShape(kind, provider) });
  return unknownValue({ from: [environment.evaluate(inputs)] });
}

/** The result of a call that cannot be made, or not yet. */
function blocked(shape: ProviderShape, inputs: Cell, state?: EscValue): EscValue {
  const waiting = unknownValue({ from: [inputs.value, state].filter((each) => each !== undefined) });
  const isWaiting = waiting.data.kind === 'unknown' && waiting.data.awaits !== undefined;
  return isWaiting ? waiting : unknownValue({ schema: shape.outputs });
}

function identity({ environment, provider, place }: ProviderCall, kind: Opening['kind']) {
  const { name } = environment.document;
  const path = writePath(place.path);
  const rootEnvironment = environment.rootName;
  return { id: `${kind} ${JSON.stringify([name, path])}`, provider, environment: name, path, rootEnvironment };
}

function received(
  { environment, place }: ProviderCall,
  { inputs, state = nullValue }: Opening,
  answer: OpeningResult | undefined,
  prefix: string,
): EscValue {
  if (answer === undefined) return unknownValue({ awaits: 'opening' });
  if ('value' in answer) {
    const { value } = answer;
    return mapDeep(value, value.secret ? { secret: true, final: false } : { final: false });
  }
  environment.tell(place, { summary: `${prefix}${scrub(scrub(answer.error, inputs), state)}` });
  return unknownValue();
}
