// Checks request bodies and queries the way the real server does, down to the list of issues it answers with (zod 3).
// Parsing collects every issue before it fails; the caller turns the list into an answer.
import type { Issue } from './api-error.ts';

export type Path = readonly (string | number)[];

/** Reads one field: returns its value, or adds to `issues` and returns any value of the type. */
export type Field<T> = (value: unknown, path: Path, issues: Issue[]) => T;

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type Parsed<F extends Fields> = { readonly [K in keyof F]: ReturnType<F[K]> };

/** What a request held, or what was wrong with it. Unknown members are ignored. */
export function parseObject<F extends Fields>(input: unknown, fields: F): Parsed<F> | readonly Issue[] {
  const issues: Issue[] = [];
  const parsed = readObject(input, fields, [], issues);
  return issues.length > 0 ? issues : parsed;
}

function readObject<F extends Fields>(input: unknown, fields: F, path: Path, issues: Issue[]): Parsed<F> {
  const isObject = typeName(input) === 'object';
  if (!isObject) issues.push(wrongType('object', input, path));
  const members: Record<string, unknown> = {};
  for (const [name, read] of Object.entries(fields)) {
    const value = isObject ? Reflect.get(Object(input), name) : undefined;
    if (isObject) members[name] = read(value, [...path, name], issues);
  }
  return members as Parsed<F>; // each member was read by the field of its name
}

export const text: Field<string> = (value, path, issues) => {
  if (typeof value === 'string') return value;
  issues.push(wrongType('string', value, path));
  return '';
};

export const trimmed: Field<string> = (value, path, issues) => text(value, path, issues).trim();

/** A trimmed text of at least one character. */
export const filled: Field<string> = (value, path, issues) => {
  const found = trimmed(value, path, issues);
  if (typeof value === 'string' && found === '') {
    const message = 'String must contain at least 1 character(s)';
    issues.push({ code: 'too_small', minimum: 1, type: 'string', inclusive: true, exact: false, message, path });
  }
  return found;
};

/** The members that are texts of an object that must be there. */
export const textMembers: Field<Readonly<Record<string, string>>> = (value, path, issues) => {
  if (typeName(value) !== 'object') issues.push(wrongType('object', value, path));
  return Object.fromEntries(Object.entries(Object(value)).map(([name, member]) => [name, String(member)]));
};

/** Absent means `fallback`. */
export function textOr<T extends string | undefined>(fallback: T): Field<string | T> {
  return (value, path, issues) => (value === undefined ? fallback : text(value, path, issues));
}

/** A folder path: trimmed, without one trailing slash; `/` when absent. An empty text stays empty. */
export const folderPath: Field<string> = (value, path, issues) => {
  if (value === undefined) return '/';
  return withoutTrailingSlash(text(value, path, issues).trim());
};

export function withoutTrailingSlash(path: string): string {
  return path !== '/' && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** A query flag: exactly `true` or `false`. */
export function flagOr(fallback: boolean): Field<boolean> {
  return (value, path, issues) => {
    if (value === undefined) return fallback;
    return oneOf(['true', 'false'])(value, path, issues) === 'true';
  };
}

/** A JSON boolean that may be absent or null. */
export const optionalBoolean: Field<boolean | undefined> = (value, path, issues) => {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') issues.push(wrongType('boolean', value, path));
  return value === true;
};

export const optionalNumber: Field<number | null> = (value, path, issues) => {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number') return value;
  issues.push(wrongType('number', value, path));
  return null;
};

/** A number written in a query. */
export const numberText: Field<number | undefined> = (value, path, issues) => {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isNaN(number)) issues.push(wrongType('number', Number.NaN, path));
  return number;
};

export function oneOf(options: readonly string[]): Field<string> {
  return (value, path, issues) => {
    if (typeof value === 'string' && options.includes(value)) return value;
    if (typeof value !== 'string') {
      issues.push(wrongType(options.map((option) => `'${option}'`).join(' | '), value, path));
      return options[0] ?? '';
    }
    const expected = options.map((option) => `'${option}'`).join(' | ');
    const message = `Invalid enum value. Expected ${expected}, received '${value}'`;
    issues.push({ received: value, code: 'invalid_enum_value', options, path, message });
    return options[0] ?? '';
  };
}

export function oneOfOr(options: readonly string[], fallback: string): Field<string> {
  return (value, path, issues) => (value === undefined ? fallback : oneOf(options)(value, path, issues));
}

/** A list of texts that may be absent. */
export const texts: Field<readonly string[]> = (value, path, issues) => {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    issues.push(wrongType('array', value, path));
    return [];
  }
  return value.map((item, index) => text(item, [...path, index], issues));
};

/** A list of objects with at least one item. */
export function someOf<F extends Fields>(fields: F): Field<readonly Parsed<F>[]> {
  return (value, path, issues) => {
    if (!Array.isArray(value)) {
      issues.push(wrongType('array', value, path));
      return [];
    }
    if (value.length === 0) {
      const message = 'Array must contain at least 1 element(s)';
      issues.push({ code: 'too_small', minimum: 1, type: 'array', inclusive: true, exact: false, message, path });
    }
    return value.map((item, index) => readObject(item, fields, [...path, index], issues));
  };
}

function wrongType(expected: string, value: unknown, path: Path): Issue {
  const received = typeName(value);
  const message = received === 'undefined' ? 'Required' : `Expected ${expected}, received ${received}`;
  return { code: 'invalid_type', expected, received, path, message };
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (Number.isNaN(value)) return 'nan';
  return typeof value;
}
