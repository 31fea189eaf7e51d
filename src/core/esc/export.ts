// Values as they leave: plain JSON, the paths of what is secret or unknown, single properties, and the projections that
// become process environment variables and files.
import { joinPath } from './diagnostics.ts';
import { parsePath } from './reference.ts';
import { stringForm } from './text-forms.ts';
import type { EscValue } from './value.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** JSON of the value. `redact` puts `[secret]` in place of secrets; an unknown is `[unknown]`. Numbers become doubles. */
export function plainJson(value: EscValue, options: { readonly redact: boolean }): Json {
  if (value.secret && options.redact) return '[secret]';
  const { data } = value;
  switch (data.kind) {
    case 'null':
      return null;
    case 'unknown':
      return '[unknown]';
    case 'boolean':
      return data.value;
    case 'number':
      return Number(data.text);
    case 'string':
      return data.text;
    case 'array':
      return data.elements.map((each) => plainJson(each, options));
    case 'object':
      // fromEntries defines members, so that no key is special.
      return Object.fromEntries(Array.from(value.members, ([key, each]) => [key, plainJson(each, options)]));
  }
}

/** Paths of the outermost values that are meant, as in diagnostics. */
export function pathsWhere(value: EscValue, isMeant: (value: EscValue) => boolean): readonly string[] {
  const found: string[] = [];
  const walk = (each: EscValue, path: string): void => {
    if (isMeant(each)) found.push(path);
    else if (each.data.kind === 'array')
      for (const [at, element] of each.data.elements.entries()) walk(element, joinPath(path, at));
    else for (const [key, member] of each.members) walk(member, joinPath(path, key));
  };
  walk(value, '');
  return found;
}

/** What stands at a path such as `a.b[0]["c d"]`; undefined when nothing does, or the path is none. */
export function propertyAt(value: EscValue, path: string): EscValue | undefined {
  if (path === '') return value;
  let at: EscValue | undefined = value;
  for (const { key } of parsePath(path) ?? [{ key: undefined }]) {
    if (typeof key === 'string') at = at?.members.get(key);
    else at = key !== undefined && at?.data.kind === 'array' ? at.data.elements[key] : undefined;
  }
  return at;
}

export interface Projected {
  readonly name: string;
  readonly text: string;
  /** The bytes of a file that are not UTF-8. */
  readonly bytes?: Buffer;
  readonly secret: boolean;
}

/** Entries of `environmentVariables` or `files` that are scalars, sorted by name; others are left out. */
export function projection(value: EscValue, root: 'environmentVariables' | 'files'): readonly Projected[] {
  const projected = value.members.get(root);
  if (projected === undefined) return [];
  return Array.from(projected.members).flatMap(([name, member]) => {
    const { data } = member;
    if (data.kind === 'array' || data.kind === 'object') return [];
    const secret = projected.secret || member.secret;
    const bytes = data.kind === 'string' && data.bytes !== undefined ? { bytes: data.bytes } : {};
    return [{ name, text: stringForm(member).text, ...bytes, secret }];
  });
}
