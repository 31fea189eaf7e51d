// `docs/reference/template-functions.md`: a row for each entry of the function tables. Its example is a case that Go
// recorded, the first short one that needs nothing but the function, so an example cannot be wrong.
import { readFileSync } from 'node:fs';
import { functionFamilies } from '../src/core/template/functions/all.ts';
import { builtinFunctions } from '../src/core/template/functions/builtin.ts';
import type { TemplateFunction } from '../src/core/template/functions/define.ts';

interface Recorded {
  readonly text: string;
  /** What Go wrote, in Base64; absent when it failed. */
  readonly out?: string;
}

const testdata = new URL('../src/core/template/testdata/', import.meta.url);
/** What a cell of a table can show: printable, on one line. */
const showable = /^[ -~]{1,64}$/;

/** The page, without its heading comment. */
export function templateFunctionsPage(): string {
  const recorded = ['cases', 'dates'].flatMap(
    (name) => (JSON.parse(readFileSync(new URL(`${name}.json`, testdata), 'utf8')) as { cases: Recorded[] }).cases, // as recorded
  );
  const shadowing = new Set(functionFamilies.flatMap(({ functions }) => functions.map(({ name }) => name)));
  const builtin = builtinFunctions.filter(({ name }) => !shadowing.has(name));
  const families = [{ title: 'Of text/template itself', functions: builtin }, ...functionFamilies];
  const sections = families.flatMap(({ title, functions }) => [
    `## ${title}`,
    '',
    '| function | arguments | gives | example |',
    '| --- | --- | --- | --- |',
    ...functions.map((definition) => row(definition, recorded)),
    '',
  ]);
  return `# Functions of templates\n\n${[...introduction, ...sections].join('\n')}`;
}

const introduction = [
  "What a text in `spec.target.template`, in `templateFrom` and in `rewrite` with `transform` may call: the functions of Go's",
  'text/template, those of [Sprig](https://masterminds.github.io/sprig/) that the External Secrets Operator keeps, and the ones that it adds.',
  '`env`, `expandenv` and `getHostByName` do not exist. [Templates](../templates.md) describes the engine and where it differs',
  'from Go; [the guide](../guides/templates.md) shows templates at work.',
  '',
  'Arguments are given by their Go types, in order, and `…` stands for any number of the type before it. In a pipeline the value on',
  'the left is the last argument. `any` takes every type; other types are not converted, so `upper 1` fails. A function marked *new*',
  'gives something else at each call (random bytes, the clock): what it gave is kept while nothing changes. Each',
  "example is one that Go's answer was recorded for.",
  '',
];

function row(definition: TemplateFunction, recorded: readonly Recorded[]): string {
  const { name, doc, isVolatile } = definition;
  const shown = example(definition, recorded);
  const cells = [code(name), signature(definition), `${prose(doc)}${isVolatile ? '; *new*' : ''}`, shown];
  return `| ${cells.join(' | ')} |`;
}

function signature({ params, variadic }: TemplateFunction): string {
  const types = [...params.map(typeLabel), ...(variadic === undefined ? [] : [`${typeLabel(variadic)} …`])];
  return types.map(code).join(' ');
}

/** Built-in functions take any value, valid or not; for a reader that is `any`. */
function typeLabel(type: string): string {
  return type === 'value' ? 'any' : type;
}

/** The first short case that is a call of the function alone; one without data goes before one with. */
function example({ name }: TemplateFunction, recorded: readonly Recorded[]): string {
  const call = `{{ ${name}`;
  const found = recorded.flatMap(({ text, out }) => {
    const result = Buffer.from(out ?? '', 'base64').toString('latin1');
    const isOneAction = text.indexOf('}}') === text.length - 2 && [' ', undefined].includes(text[call.length]);
    const isShort = text.length < 80 && showable.test(text) && showable.test(result);
    if (!text.startsWith(call) || !isOneAction || !isShort || result === '<no value>') return [];
    return [{ text, result, usesData: /[ (]\./.test(text) }];
  });
  const chosen = found.find(({ usesData }) => !usesData);
  return chosen === undefined ? '' : `${code(chosen.text)} → ${code(chosen.result)}`;
}

function code(text: string): string {
  const fence = text.includes('`') ? '``' : '`';
  return `${fence}${text.replaceAll('|', '\\|')}${fence}`;
}

function prose(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll('|', '\\|').replaceAll('*', '\\*');
}
