// One file that runs on Node 24 alone. `got` and the login plugins of kubeconfigs stay behind dynamic imports and are
// inlined here, so that the operator is still a single file to copy into an image.
import { builtinModules } from 'node:module';

/** What the login plugins' package imports besides, and never calls for a login: its HTTP clients and generated APIs. */
const unusedByPlugins =
  /node_modules\/(@kubernetes\/client-node|undici|hpagent|socks|socks-proxy-agent|jsonpath-plus|js-yaml)\//;

const prefix = '\0builtin:';
const identifier = /^[A-Za-z_$][\w$]*$/;

/**
 * Takes Node's own modules when the module that imports them runs. Import statements would all be carried out at the
 * start, those of lazy parts as well, and each would touch every export: 10 MB of memory and 40 ms of the start.
 */
const lazyBuiltins = {
  name: 'lazy-builtins',
  resolveId(source, _importer, { kind }) {
    const name = source.replace(/^node:/, '');
    // A `require` is carried out in its place as it is.
    const isTaken = kind === 'import-statement' && builtinModules.includes(name) && name !== 'module';
    return isTaken ? `${prefix}${name}` : undefined;
  },
  load(id) {
    if (!id.startsWith(prefix)) return undefined;
    const name = `node:${id.slice(prefix.length)}`;
    const names = Object.keys(process.getBuiltinModule(name)).filter(
      (key) => identifier.test(key) && key !== 'default',
    );
    return [
      `const builtin = process.getBuiltinModule('${name}');`,
      'export default builtin;',
      ...names.map(
        (key, at) => `const e${at} = /* @__PURE__ */ (() => builtin.${key})();\nexport { e${at} as ${key} };`,
      ),
    ].join('\n');
  },
};

/** V8 keeps a source of ASCII in one byte a character, any other in two. */
const ascii = {
  name: 'ascii',
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== 'chunk') continue;
      chunk.code = chunk.code.replace(
        /[^\0-\x7f]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    }
  },
};

export default {
  input: 'src/main.ts',
  platform: 'node',
  treeshake: { moduleSideEffects: [{ test: unusedByPlugins, sideEffects: false }] },
  plugins: [lazyBuiltins, ascii],
  output: {
    file: 'dist/escapement.mjs',
    format: 'esm',
    codeSplitting: false,
    minify: { mangle: false, compress: true, codegen: { removeWhitespace: true } },
    banner: '#!/usr/bin/env node',
  },
};
