// Every function that a template may call. ESO's and Sprig's shadow those of text/template (`slice`), as a FuncMap does.
import type { Bytes } from '../text.ts';
import { builtinFunctions } from './builtin.ts';
import { certificateFunctions } from './certificates.ts';
import { cryptoFunctions } from './crypto.ts';
import { dateFunctions } from './dates.ts';
import type { TemplateFunction } from './define.ts';

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
