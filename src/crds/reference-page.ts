// The reference page of all kinds, in Markdown: one table of fields per kind, from the same schemas as the CRDs.
import { type Kind, objectSchema } from './custom-resource.ts';
import type { Structural } from './structural.ts';

export function referencePage(kinds: readonly Kind[]): string {
  const lead = [
    '# Kinds',
    '',
    'Every field of every kind. `[]` marks the items of a list, `*` the values of a map; an asterisk after the type means that the',
    'field is required where its parent is set. Defaults in the column are written into the object by the API server; defaults of',
    'list items, which are not, stand in the description.',
    '',
    'This version serves every field, but those whose description begins with one of two words, here and in `kubectl explain`: what is',
    '**not served** is refused with a condition that names the field; what is **without effect** is accepted and not read. These are:',
    '',
    ...kinds.flatMap(exceptions),
  ];
  return `${[...lead, ...kinds.flatMap((kind, index) => section(kind, kinds.slice(0, index)))].join('\n')}\n`;
}

/** One line per field that is not served as its name promises; what lies below such a field is not told again. */
function exceptions(kind: Kind): string[] {
  const { spec } = objectSchema(kind).properties ?? {};
  return unserved('spec', spec).map((path) => `- ${kind.resource.kind}: \`${path}\``);
}

/** Paths of the fields that the schema calls not served or without effect. */
export function unserved(path: string, schema: Structural | undefined): readonly string[] {
  if (schema === undefined) return [];
  if (/^(Not served|Without effect)\b/.test(String(schema.description ?? ''))) return [path];
  const children = Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
    unserved(`${path}.${name}`, child),
  );
  return [...children, ...unserved(`${path}[]`, schema.items)];
}

function section(kind: Kind, before: readonly Kind[]): string[] {
  const { group, version, kind: name, namespaced } = kind.resource;
  const twin = before.find(({ spec, status }) => spec === kind.spec && status === kind.status && status !== undefined);
  return [
    '',
    `## ${name}`,
    '',
    `${kind.description} \`${group}/${version}\`, ${namespaced ? 'namespaced' : 'cluster-scoped'}${shortNamesText(kind)}${kind.olderVersion === undefined ? '.' : `; \`${kind.olderVersion}\` has the same fields.`}`,
    '',
    ...(twin === undefined ? fieldTable(kind) : [`The fields are those of ${twin.resource.kind}.`]),
  ];
}

function shortNamesText({ shortNames }: Kind): string {
  return shortNames.length === 0 ? '' : `, short name \`${shortNames.join('`, `')}\``;
}

function fieldTable(kind: Kind): string[] {
  const schema = objectSchema(kind);
  const rows = ['spec', 'status'].flatMap((part) => {
    const child = schema.properties?.[part];
    return child === undefined ? [] : fieldRows(part, child, false);
  });
  return ['| field | type | default | description |', '| --- | --- | --- | --- |', ...rows];
}

function fieldRows(path: string, schema: Structural, required: boolean): string[] {
  const row = [`\`${path}\``, typeText(schema, required), defaultText(schema), descriptionText(schema)];
  const children = Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
    fieldRows(`${path}.${name}`, child, schema.required?.includes(name) === true),
  );
  // Items that are plain values are told by the type of the list.
  const items = schema.items?.properties === undefined ? [] : fieldRows(`${path}[]`, schema.items, false);
  return [`| ${row.map(cell).join(' | ')} |`, ...children, ...items];
}

function typeText(schema: Structural, required: boolean): string {
  return `${plainType(schema)}${required ? ' \\*' : ''}`;
}

function plainType(schema: Structural): string {
  if (schema['x-kubernetes-int-or-string'] === true) return 'integer or string';
  if (schema.items !== undefined) return `list of ${plainType(schema.items)}`;
  if (schema.additionalProperties !== undefined) return `map of ${plainType(schema.additionalProperties)}`;
  const values = schema['enum'];
  if (Array.isArray(values)) return values.map((value) => `\`${String(value)}\``).join(', ');
  const format = schema['format'];
  return typeof format === 'string' && schema.type === 'string' ? format : (schema.type ?? 'any');
}

function defaultText(schema: Structural): string {
  return schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``;
}

function descriptionText(schema: Structural): string {
  const rules = schema['x-kubernetes-validations'];
  const messages = Array.isArray(rules) ? rules.map((rule: { message: string }) => `${rule.message}.`) : [];
  return [schema.description ?? '', ...messages].join(' ').trim();
}

function cell(content: string): string {
  return content.replaceAll('|', '\\|');
}
