// Every function that a template may call. ESO's and Sprig's shadow those of text/template (`slice`), as a FuncMap does.
import type { Bytes } from '../text.ts';
import { builtinFunctions } from './builtin.ts';
import { certificateFunctions } from './certificates.ts';
import { cryptoFunctions } from './crypto.ts';
import { dateFunctions } from './dates.ts';
import { defaultFunctions } from './defaults.ts';
import type { TemplateFunction } from './define.ts';
import { dictFunctions } from './dicts.ts';
import { encodingFunctions } from './encoding.ts';
import { jsonFunctions } from './json.ts';
import { listFunctions } from './lists.ts';
import { numberFunctions } from './numbers.ts';
import { pathFunctions } from './paths.ts';
import { randomFunctions } from './random.ts';
import { regexpFunctions } from './regexps.ts';
import { semverFunctions } from './semver.ts';
import { stringFunctions } from './strings.ts';
import { urlFunctions } from './urls.ts';
import { yamlFunctions } from './yaml.ts';

export interface FoundFunction {
  readonly definition: TemplateFunction;
  readonly isBuiltin: boolean;
}

/** The families, in the order of the reference page. */
export const functionFamilies: readonly { readonly title: string; readonly functions: readonly TemplateFunction[] }[] =
  [
    { title: 'Dates', functions: dateFunctions },
    { title: 'Hashes, passwords and ciphers', functions: cryptoFunctions },
    { title: 'Keys and certificates', functions: certificateFunctions },
    { title: 'Strings', functions: stringFunctions },
    { title: 'Numbers', functions: numberFunctions },
    { title: 'Lists', functions: listFunctions },
    { title: 'Dictionaries', functions: dictFunctions },
    { title: 'Defaults, types and flow', functions: defaultFunctions },
    { title: 'Encodings', functions: encodingFunctions },
    { title: 'JSON', functions: jsonFunctions },
    { title: 'YAML', functions: yamlFunctions },
    { title: 'Regular expressions', functions: regexpFunctions },
    { title: 'Versions', functions: semverFunctions },
    { title: 'Paths', functions: pathFunctions },
    { title: 'URLs', functions: urlFunctions },
    { title: 'Random values', functions: randomFunctions },
  ];

const byName: ReadonlyMap<Bytes, FoundFunction> = new Map<Bytes, FoundFunction>([
  ...builtinFunctions.map((definition) => [definition.name, { definition, isBuiltin: true }] as const),
  ...functionFamilies
    .flatMap(({ functions }) => functions)
    .map((definition) => [definition.name, { definition, isBuiltin: false }] as const),
]);

/** The function of that name. */
export function findFunction(name: Bytes): FoundFunction | undefined {
  return byName.get(name);
}
