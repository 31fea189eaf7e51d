// Sprig's defaults, types and flow: https://masterminds.github.io/sprig/defaults.html and reflection.html.

import { hidden } from '../errors.ts';
import { deepEqual, kindName, typeName, type Value } from '../values.ts';
import { isEmpty } from './convert.ts';
import { define, fault, type TemplateFunction } from './define.ts';

export const defaultFunctions: readonly TemplateFunction[] = [
  define('default', ['any', '...any'], 'the second, or the first when that is empty', ([otherwise, [given]]) =>
    given === undefined || isEmpty(given) ? otherwise : given,
  ),
  define('empty', ['any'], 'whether it is the zero value of its type', ([value]) => isEmpty(value)),
  define(
    'coalesce',
    ['...any'],
    'the first that is not empty',
    ([values]) => values.find((one) => !isEmpty(one)) ?? null,
  ),
  define('ternary', ['any', 'any', 'bool'], 'the first when the last is true, else the second', ([yes, no, isYes]) =>
    isYes ? yes : no,
  ),
  define('fail', ['string'], 'ends the template with that error', ([message]) => {
    throw fault(hidden(message));
  }),
  define('typeOf', ['any'], 'the Go type', ([value]) => typeOf(value)),
  define('typeIs', ['string', 'any'], 'whether it has that Go type', ([type, value]) => type === typeOf(value)),
  define('typeIsLike', ['string', 'any'], 'typeIs, also through a pointer', ([type, value]) =>
    [type, `*${type}`].includes(typeOf(value)),
  ),
  define('kindOf', ['any'], 'the kind of its Go type', ([value]) => kindName(value)),
  define('kindIs', ['string', 'any'], 'whether its Go type has that kind', ([kind, value]) => kind === kindName(value)),
  define('deepEqual', ['any', 'any'], 'whether types and values are the same, deeply', ([left, right]) =>
    deepEqual(left, right),
  ),
];

function typeOf(value: Value): string {
  return value === null ? '<nil>' : typeName(value);
}
