// Evaluated values as Pulumi's service writes them: each value stands in an object with its trace, secrets are marked, and
// null is the absence of `value`. Documents of tests are plain data; `secret(…)`, `unknown`, `digits(…)` mark the rest.
import { createHash } from 'node:crypto';

class Secret {
  readonly value: Plain;
  constructor(value: Plain) {
    this.value = value;
  }
}

class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A value that the evaluation could not find out. */
export const unknown = Symbol('unknown');

export type Plain =
  | null
  | string
  | number
  | boolean
  | typeof unknown
  | Secret
  | Digits
  | readonly Plain[]
  | { readonly [name: string]: Plain };

export type Document = { readonly [name: string]: Plain };

export const secret = (value: Plain) => new Secret(value);

/** A number with digits that a double does not hold. */
export const digits = (text: string) => new Digits(text);

/** The wire's text for a document; `environment` stands in each trace, as does a value that was overridden. */
export function environmentText(document: Document, environment: string): string {
  const properties = membersText(document, environment);
  const context = `{"properties":{"currentEnvironment":{"value":{"name":{"value":${JSON.stringify(environment)},"trace":{"def":{}}}},"trace":{"def":{}}}}}`;
  return `{"exprs":{},"properties":${properties},"schema":{},"executionContext":${context}}`;
}

/** The `values` of a definition that evaluates to the document, as JSON, which YAML is too. */
export function definitionText(document: Document, { decrypt }: { readonly decrypt: boolean }): string {
  const written = (value: Plain): string => {
    if (value instanceof Secret) {
      const text = written(value.value);
      return `{"fn::secret":${decrypt ? text : `{"ciphertext":"${cipherOf(text)}"}`}}`;
    }
    if (value === unknown) return '{"fn::open::double":{}}';
    if (value instanceof Digits) return value.text;
    if (Array.isArray(value)) return `[${value.map(written).join(',')}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const members = Object.entries(value as Document).map(
      ([name, member]) => `${JSON.stringify(name)}:${written(member)}`,
    );
    return `{${members.join(',')}}`;
  };
  return written(document);
}

/** Another text for another secret, that does not give it away. */
function cipherOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

function membersText(members: Document, environment: string): string {
  return `{${Object.entries(members)
    .map(([name, value]) => `${JSON.stringify(name)}:${valueText(value, environment)}`)
    .join(',')}}`;
}

function valueText(value: Plain, environment: string): string {
  if (value instanceof Secret) return `{"secret":true,${valueText(value.value, environment).slice(1)}`;
  const position = '{"line":3,"column":5,"byte":42}';
  const base = '{"value":"overridden","secret":true,"trace":{"def":{}}}';
  const trace = `"trace":{"def":{"environment":${JSON.stringify(environment)},"begin":${position},"end":${position}},"base":${base}}`;
  if (value === unknown) return `{"unknown":true,${trace}}`;
  if (value === null) return `{${trace}}`;
  return `{"value":${innerText(value, environment)},${trace}}`;
}

function innerText(value: Exclude<Plain, null | Secret | typeof unknown>, environment: string): string {
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${value.map((item: Plain) => valueText(item, environment)).join(',')}]`;
  if (typeof value === 'object') return membersText(value as Document, environment);
  return JSON.stringify(value);
}
