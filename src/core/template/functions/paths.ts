// Sprig's paths: Go's path package, and filepath on Linux, which is the same.
import type { Bytes } from '../text.ts';
import { define, type TemplateFunction } from './define.ts';

export const pathFunctions: readonly TemplateFunction[] = [
  ...['base', 'osBase'].map((name) => define(name, ['string'], 'the last element of a path', ([path]) => base(path))),
  ...['dir', 'osDir'].map((name) =>
    define(name, ['string'], 'all but the last element of a path', ([path]) =>
      clean(path.slice(0, path.lastIndexOf('/') + 1)),
    ),
  ),
  ...['clean', 'osClean'].map((name) =>
    define(name, ['string'], 'the shortest path that means the same', ([path]) => clean(path)),
  ),
  ...['ext', 'osExt'].map((name) =>
    define(name, ['string'], 'the extension with its dot', ([path]) => /\.[^./]*$/.exec(path)?.[0] ?? ''),
  ),
  ...['isAbs', 'osIsAbs'].map((name) =>
    define(name, ['string'], 'whether the path starts at the root', ([path]) => path.startsWith('/')),
  ),
];

function base(path: Bytes): Bytes {
  if (path === '') return '.';
  const last = path.replace(/\/+$/, '').split('/').at(-1);
  return last === undefined || last === '' ? '/' : last;
}

function clean(path: Bytes): Bytes {
  const isRooted = path.startsWith('/');
  const kept: Bytes[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (!isRooted) kept.push('..');
  }
  return (isRooted ? '/' : '') + kept.join('/') || '.';
}
