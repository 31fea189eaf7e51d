// Sprig's versions: https://github.com/Masterminds/semver, its lenient reading and its constraints.
import { hidden } from '../errors.ts';
import { maxUint64 } from '../numbers.ts';
import type { Bytes } from '../text.ts';
import { compareBytes, type Method, type ParamType, Sized, Struct, typeName, type Value } from '../values.ts';
import { define, fault, type TemplateFunction } from './define.ts';

export const semverFunctions: readonly TemplateFunction[] = [
  define('semver', ['string'], 'a version: .Major, .Minor, .Patch, .Prerelease, .Metadata, .Compare …', ([text]) =>
    versionValue(parseVersion(text), '*semver.Version'),
  ),
  define('semverCompare', ['string', 'string'], 'whether the version fits the constraint', ([constraint, version]) => {
    const alternatives = parseConstraints(constraint);
    const parsed = parseVersion(version);
    return alternatives.some((all) => all.every((one) => fits(parsed, one)));
  }),
];

interface Version {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  readonly pre: Bytes;
  readonly metadata: Bytes;
  readonly original: Bytes;
}

const versionPattern =
  /^v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?(-([0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*))?(\+([0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*))?$/;

function parseVersion(text: Bytes): Version {
  const match = versionPattern.exec(text);
  if (match === null) throw fault('Invalid Semantic Version');
  const pre = match[5] ?? '';
  const parsed = {
    major: segment(match[1]),
    minor: segment(match[2]?.slice(1)),
    patch: segment(match[3]?.slice(1)),
    pre,
    metadata: match[8] ?? '',
    original: text,
  };
  if (pre.split('.').some((part) => /^0[0-9]+$/.test(part))) throw fault('Version segment starts with 0');
  return parsed;
}

function segment(digits = '0'): bigint {
  if (digits.replace(/^0+/, '').length <= 20 && BigInt(digits) <= maxUint64) return BigInt(digits);
  throw fault(`Error parsing version segment: strconv.ParseUint: parsing ${hidden(`"${digits}"`)}: value out of range`);
}

function textOf({ major, minor, patch, pre, metadata }: Version): Bytes {
  return `${major}.${minor}.${patch}${pre === '' ? '' : `-${pre}`}${metadata === '' ? '' : `+${metadata}`}`;
}

type MethodOf = { readonly params: readonly ParamType[]; readonly body: Method };

function versionValue(version: Version, type: '*semver.Version' | 'semver.Version'): Struct {
  const text = textOf(version);
  const plain = (value: Value) => ({ params: [], body: () => value });
  const next = (change: Partial<Version>) => {
    const changed = { ...version, pre: '', metadata: '', ...change };
    const original = (version.original.startsWith('v') ? 'v' : '') + textOf(changed);
    return versionValue({ ...changed, original }, 'semver.Version');
  };
  const compared = (decide: (order: number) => Value) => ({
    params: ['any'] as const,
    body: ([other]: readonly Value[]) => decide(compare(version, versionOf(other ?? null))),
  });
  const pointerMethods: readonly (readonly [Bytes, MethodOf])[] = [
    ['Original', plain(version.original)],
    ['Compare', compared((order) => BigInt(order))],
    ['Equal', compared((order) => order === 0)],
    ['LessThan', compared((order) => order < 0)],
    ['LessThanEqual', compared((order) => order <= 0)],
    ['GreaterThan', compared((order) => order > 0)],
    ['GreaterThanEqual', compared((order) => order >= 0)],
  ];
  const uint = (value: bigint) => plain(new Sized('uint64', value));
  const renamed = (key: 'pre' | 'metadata') => ({
    params: ['string'] as const,
    body: ([part]: readonly Value[]) => {
      const given = typeof part === 'string' ? part : '';
      if (given !== '' && !/^[0-9A-Za-z.-]*$/.test(given)) {
        throw fault(key === 'pre' ? 'Invalid Prerelease string' : 'Invalid Metadata string');
      }
      return next({ pre: version.pre, metadata: version.metadata, [key]: given });
    },
  });
  return new Struct({
    type,
    text,
    json: () => `"${text}"`,
    inner: version,
    methods: new Map<Bytes, MethodOf>([
      ['String', plain(text)],
      ['Major', uint(version.major)],
      ['Minor', uint(version.minor)],
      ['Patch', uint(version.patch)],
      ['Prerelease', plain(version.pre)],
      ['Metadata', plain(version.metadata)],
      [
        'IncPatch',
        { params: [], body: () => next({ patch: version.pre === '' ? version.patch + 1n : version.patch }) },
      ],
      ['IncMinor', { params: [], body: () => next({ minor: version.minor + 1n, patch: 0n }) }],
      ['IncMajor', { params: [], body: () => next({ major: version.major + 1n, minor: 0n, patch: 0n }) }],
      ['SetPrerelease', renamed('pre')],
      ['SetMetadata', renamed('metadata')],
      ...(type === 'semver.Version' ? [] : pointerMethods),
    ]),
  });
}

function versionOf(value: Value): Version {
  if (value instanceof Struct && value.type === '*semver.Version') return value.inner as Version; // made by versionValue
  throw fault(`wrong type for value; expected *semver.Version; got ${value === null ? 'nil' : typeName(value)}`);
}

function compare(left: Version, right: Version): number {
  for (const part of ['major', 'minor', 'patch'] as const) {
    if (left[part] !== right[part]) return left[part] < right[part] ? -1 : 1;
  }
  if (left.pre === right.pre) return 0;
  if (left.pre === '' || right.pre === '') return left.pre === '' ? 1 : -1;
  return comparePre(left.pre, right.pre);
}

function comparePre(left: Bytes, right: Bytes): number {
  const lefts = left.split('.');
  const rights = right.split('.');
  for (let index = 0; index < Math.max(lefts.length, rights.length); index++) {
    const order = comparePart(lefts[index] ?? '', rights[index] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

function comparePart(left: string, right: string): number {
  if (left === right) return 0;
  if (left === '' || right === '') return left === '' ? -1 : 1;
  const isNumber = (text: string) => /^[0-9]{1,20}$/.test(text) && BigInt(text) <= maxUint64;
  if (isNumber(left) !== isNumber(right)) return isNumber(left) ? -1 : 1;
  if (!isNumber(left)) return compareBytes(left, right);
  return BigInt(left) > BigInt(right) ? 1 : -1;
}

type Wild = 'none' | 'patch' | 'minor' | 'all';

interface Constraint {
  readonly operator: string;
  readonly version: Version;
  /** From where on it has an x or nothing. */
  readonly wild: Wild;
}

const versionLike = String.raw`v?([0-9|x|X|*]+)(\.[0-9|x|X|*]+)?(\.[0-9|x|X|*]+)?(-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(\+(?:[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?`;
// Go takes the first alternative that lets the rest match, and so does this order.
const operators = String.raw`=||!=|>|<|>=|=>|<=|=<|~|~>|\^`;
const spaces = String.raw`[\t\n\f\r ]`;
const onePattern = new RegExp(`^${spaces}*(${operators})${spaces}*(${versionLike})${spaces}*$`);
const eachPattern = new RegExp(`(?:${operators})${spaces}*${versionLike}`, 'g');
const tokenPattern = new RegExp(`(?:(?:!=|>=|=>|<=|=<|~>|=|>|<|~|\\^)${spaces}*)?${versionLike}`, 'g');
const rangePattern = new RegExp(`${spaces}*(${versionLike})${spaces}+-${spaces}+(${versionLike})${spaces}*`, 'g');
const longestConstraint = 1_000;

function parseConstraints(text: Bytes): Constraint[][] {
  if (text.length > longestConstraint) throw fault(`constraint longer than ${longestConstraint} bytes`);
  const ranged = text.replace(rangePattern, (...groups: string[]) => `>= ${groups[1]}, <= ${groups[8]} `);
  return ranged.split('||').map(parseAll);
}

/** Constraints behind one another, with spaces or commas between them. */
function parseAll(text: Bytes): Constraint[] {
  const improper = () => fault(`improper constraint: ${hidden(text)}`);
  const found = text.match(eachPattern);
  if (found === null) throw improper();
  const rest = text.replace(tokenPattern, '#').replace(/[\t\n\f\r]/g, ' ');
  if (!/^ *#(?:(?: +| *, *)#)* *$/.test(rest)) throw improper();
  return found.map((one) => {
    const parsed = parseOne(one);
    if (parsed === undefined) throw fault(`improper constraint: ${hidden(one)}`);
    return parsed;
  });
}

function parseOne(text: Bytes): Constraint | undefined {
  const match = onePattern.exec(text);
  if (match === null) return undefined;
  const [, operator = '', , major = '', minor = '', patch = '', pre = ''] = match;
  const isWild = (part: string) => /^\.?[xX*]?$/.test(part);
  const wild: Wild = isWild(major) ? 'all' : isWild(minor) ? 'minor' : isWild(patch) ? 'patch' : 'none';
  const spelled =
    wild === 'all'
      ? `0.0.0${pre}`
      : wild === 'minor'
        ? `${major}.0.0${pre}`
        : wild === 'patch'
          ? `${major}${minor}.0${pre}`
          : match[2];
  const hasZeros = pre.split(/[-.]/).some((part) => /^0[0-9]+$/.test(part));
  if (spelled === undefined || hasZeros || !versionPattern.test(spelled)) throw fault('constraint Parser Error');
  return { operator, wild, version: parseVersion(spelled) };
}

function fits(version: Version, { operator, version: bound, wild }: Constraint): boolean {
  if (operator === '!=') return differs(version, bound, wild);
  if (version.pre !== '' && bound.pre === '') return false;
  const order = compare(version, bound);
  switch (operator) {
    case '>':
      if (wild === 'none' || wild === 'all')
        return wild === 'all' && version.major !== bound.major ? version.major > bound.major : order > 0;
      if (version.major !== bound.major) return version.major > bound.major;
      return wild === 'patch' && version.minor > bound.minor;
    case '<':
      return order < 0;
    case '>=':
    case '=>':
      return order >= 0;
    case '<=':
    case '=<':
      if (wild === 'none') return order <= 0;
      if (version.major > bound.major) return false;
      return !(version.major === bound.major && version.minor > bound.minor && wild !== 'minor');
    case '^':
      return caret(version, bound, wild);
    case '~':
    case '~>':
      return tilde(version, bound, wild);
    default:
      return wild === 'none' ? order === 0 : tilde(version, bound, wild);
  }
}

function differs(version: Version, bound: Version, wild: Wild): boolean {
  if (wild === 'none') return compare(version, bound) !== 0;
  if (version.pre !== '' && bound.pre === '') return false;
  if (version.major !== bound.major) return true;
  if (wild === 'minor') return false;
  if (version.minor !== bound.minor) return true;
  if (wild === 'all') return version.patch !== bound.patch || compare(version, bound) !== 0;
  return (version.pre !== '' || bound.pre !== '') && comparePre(version.pre, bound.pre) !== 0;
}

function tilde(version: Version, bound: Version, wild: Wild): boolean {
  if (compare(version, bound) < 0) return false;
  const isZero = bound.major === 0n && bound.minor === 0n && bound.patch === 0n;
  if (isZero && wild !== 'minor' && wild !== 'patch') return true;
  return version.major === bound.major && (version.minor === bound.minor || wild === 'minor');
}

function caret(version: Version, bound: Version, wild: Wild): boolean {
  if (compare(version, bound) < 0) return false;
  if (bound.major > 0n || wild === 'minor') return version.major === bound.major;
  if (version.major > 0n) return false;
  if (bound.minor > 0n || wild === 'patch') return version.minor === bound.minor;
  return version.minor === 0n && version.patch === bound.patch;
}
