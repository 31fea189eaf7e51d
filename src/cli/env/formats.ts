// An evaluated environment as text, in the formats of ESC's own command line. Numbers keep their digits. What is meant for a
// shell is quoted as POSIX does, and names that no shell would take as a variable are left out, since they could be commands.
import { Scalar, stringify, YAMLMap, YAMLSeq } from 'yaml';
import { projection } from '../../core/esc/export.ts';
import { goQuote, stringForm } from '../../core/esc/text-forms.ts';
import type { EscValue } from '../../core/esc/value.ts';

export const formats = ['json', 'yaml', 'string', 'detailed', 'dotenv', 'shell'] as const;
export type Format = (typeof formats)[number];

/** Stands in place of what is secret. */
export const secretMark = '[secret]';
const unknownMark = '[unknown]';

export interface Shown {
  readonly format: Format;
  readonly showSecrets: boolean;
  /** Where the files of `files` lie, by name; those that are not there are left out of `dotenv` and `shell`. */
  readonly filePaths?: ReadonlyMap<string, string>;
}

/** The text ends with a line's end. `undefined` stands for what is not there. */
export function format(value: EscValue | undefined, shown: Shown): string {
  switch (shown.format) {
    case 'json':
      return `${value === undefined ? 'null' : prettyJson(value, shown, '')}\n`;
    case 'yaml':
      return value === undefined ? 'null\n' : stringify(yamlNode(value, shown), { lineWidth: 0, indent: 2 });
    case 'detailed':
      return `${value === undefined ? 'null' : detailedJson(value, shown, '')}\n`;
    case 'string': {
      const text = value === undefined ? '' : plainText(value, shown);
      return text.endsWith('\n') ? text : `${text}\n`;
    }
    case 'dotenv':
      return variables(value, shown)
        .map(([name, text]) => `${name}=${goQuote(text)}\n`)
        .join('');
    case 'shell':
      return variables(value, shown)
        .map(([name, text]) => `export ${name}=${shellQuote(text)}\n`)
        .join('');
  }
}

function isHidden(value: EscValue, { showSecrets }: Shown): boolean {
  return value.secret && !showSecrets;
}

/** The string form; all of it is hidden when anything in it is. */
function plainText(value: EscValue, { showSecrets }: Shown): string {
  const { text, secret } = stringForm(value);
  return (secret || value.inside.secret) && !showSecrets ? secretMark : text;
}

function prettyJson(value: EscValue, shown: Shown, indent: string): string {
  if (isHidden(value, shown)) return JSON.stringify(secretMark);
  const { data } = value;
  const inner = `${indent}  `;
  if (data.kind === 'array') {
    return bracketed(
      '[]',
      data.elements.map((each) => prettyJson(each, shown, inner)),
      indent,
    );
  }
  if (data.kind === 'object') {
    const members = Array.from(
      value.members,
      ([key, each]) => `${JSON.stringify(key)}: ${prettyJson(each, shown, inner)}`,
    );
    return bracketed('{}', members, indent);
  }
  return scalarJson(value);
}

function scalarJson({ data }: EscValue): string {
  if (data.kind === 'boolean') return String(data.value);
  if (data.kind === 'number') return data.text;
  if (data.kind === 'string') return JSON.stringify(data.text);
  return data.kind === 'unknown' ? JSON.stringify(unknownMark) : 'null';
}

function bracketed(brackets: '[]' | '{}', items: readonly string[], indent: string): string {
  const [open = '', close = ''] = brackets;
  return items.length === 0 ? brackets : `${open}\n${indent}  ${items.join(`,\n${indent}  `)}\n${indent}${close}`;
}

/** Each value in an object with its flags, as Pulumi's API has them; without traces. */
function detailedJson(value: EscValue, shown: Shown, indent: string): string {
  const { data } = value;
  const inner = `${indent}    `;
  const members: string[] = [];
  if (isHidden(value, shown)) members.push(`"value": ${JSON.stringify(secretMark)}`);
  else if (data.kind === 'array') {
    const elements = data.elements.map((each) => detailedJson(each, shown, inner));
    members.push(`"value": ${bracketed('[]', elements, `${indent}  `)}`);
  } else if (data.kind === 'object') {
    const own = Array.from(
      value.members,
      ([key, each]) => `${JSON.stringify(key)}: ${detailedJson(each, shown, inner)}`,
    );
    members.push(`"value": ${bracketed('{}', own, `${indent}  `)}`);
  } else if (data.kind !== 'null' && data.kind !== 'unknown') members.push(`"value": ${scalarJson(value)}`);
  if (value.secret) members.push('"secret": true');
  if (data.kind === 'unknown') members.push('"unknown": true');
  return bracketed('{}', members, indent);
}

function yamlNode(value: EscValue, shown: Shown): Scalar | YAMLMap | YAMLSeq {
  if (isHidden(value, shown)) return new Scalar(secretMark);
  const { data } = value;
  if (data.kind === 'array') {
    const list = new YAMLSeq<Scalar | YAMLMap | YAMLSeq>();
    list.items.push(...data.elements.map((each) => yamlNode(each, shown)));
    return list;
  }
  if (data.kind === 'object') {
    const map = new YAMLMap<Scalar, Scalar | YAMLMap | YAMLSeq>();
    for (const [key, each] of value.members) map.add({ key: new Scalar(key), value: yamlNode(each, shown) });
    return map;
  }
  if (data.kind === 'number') return new Scalar(exactNumber(data.text));
  if (data.kind === 'boolean') return new Scalar(data.value);
  if (data.kind === 'string') return new Scalar(data.text);
  return new Scalar(data.kind === 'unknown' ? unknownMark : null);
}

/** The number where JavaScript holds all its digits, else its text. */
function exactNumber(text: string): number | bigint | string {
  const value = Number(text);
  if (/^-?\d+$/.test(text)) return Number.isSafeInteger(value) ? value : BigInt(text);
  return String(value) === text ? value : text;
}

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Whether a shell takes it as the name of a variable. */
export function isVariableName(name: string): boolean {
  return variableName.test(name);
}

/** What `environmentVariables` and `files` give a process, in that order. */
function variables(value: EscValue | undefined, { showSecrets, filePaths }: Shown): (readonly [string, string])[] {
  if (value === undefined) return [];
  const set = projection(value, 'environmentVariables').map(({ name, text, secret }) => {
    return [name, secret && !showSecrets ? secretMark : text] as const;
  });
  const files = projection(value, 'files').flatMap(({ name }) => {
    const path = filePaths?.get(name);
    return path === undefined ? [] : [[name, path] as const];
  });
  return [...set, ...files].filter(([name]) => isVariableName(name));
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
