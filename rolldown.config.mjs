// A program that runs on Node 24 alone: its entry, and beside it the parts that are loaded when they are first needed. What
// is not loaded takes no memory: V8 keeps the source of a file, and what it needed to parse it. test/architecture.test.ts
// says which parts these are.
import { builtinModules } from 'node:module';
import { resolve } from 'node:path';

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

/**
 * What got's modules touch at their start and for each request without our need, by file: Intl loads its data for two
 * formatters of error texts, and `FormData` loads Node's whole fetch. Together 60 ms and 8 MB before the first request.
 * A text that an update of the package no longer has ends the build.
 */
const untouched = [
  {
    file: /@sindresorhus\/is\/distribution\/index\.js$/,
    from: /new Intl\.ListFormat\('en', \{ style: 'long', type: '(?:con|dis)junction' \}\)/g,
    to: "{ format: (names) => [...names].join(', ') }",
  },
  {
    file: /got\/dist\/source\/core\/index\.js$/,
    from: /options\.body instanceof FormData/g,
    // Only a body that is not text or bytes, and we send no other, is worth the look.
    to: "(typeof options.body === 'object' && !(options.body instanceof Uint8Array) && options.body instanceof FormData)",
  },
];

const lean = {
  name: 'lean',
  transform(code, id) {
    const found = untouched.find(({ file }) => file.test(id));
    if (found === undefined) return undefined;
    if (code.search(found.from) < 0)
      throw new Error(`${id} no longer holds ${found.from}: look again at what it loads`);
    return { code: code.replace(found.from, found.to), map: null };
  },
};

/**
 * The files that a start reads: what the entry and threads for heavy work need, and the rest of the operator. Left to itself
 * the bundler makes a file of every module that two parts share.
 */
const startFiles = [
  ['common', ['src/main.ts', 'src/operator/heavy-thread.ts']],
  ['operator', ['src/operator/run.ts']],
].map(([name, entries]) => {
  let found;
  const fileOf = (id, graph) => {
    found ??= reachedFrom(entries, graph);
    return found.has(id) ? name : null;
  };
  return { debugName: name, name: fileOf };
});

/** All modules that are evaluated before these files are, which stay what they are: entries. */
function reachedFrom(paths, graph) {
  const entries = paths.map((path) => resolve(import.meta.dirname, path));
  const reached = new Set(entries);
  for (const id of reached) for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) reached.add(imported);
  for (const entry of entries) reached.delete(entry);
  return reached;
}

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

/** What is started, in words that any Node parses: what an older one would say of the rest is a stack. */
const launcher = {
  name: 'launcher',
  generateBundle() {
    const source = [
      '#!/usr/bin/env node',
      'if (!(parseInt(process.versions.node, 10) >= 24)) {',
      "  process.stderr.write('escapement needs Node 24 or later; this is Node ' + process.versions.node + '\\n');",
      '  process.exit(2);',
      '}',
      "import('./escapement/main.mjs');",
      '',
    ].join('\n');
    this.emitFile({ type: 'asset', fileName: 'escapement.mjs', source });
  },
};

export default {
  input: 'src/main.ts',
  platform: 'node',
  treeshake: { moduleSideEffects: [{ test: unusedByPlugins, sideEffects: false }] },
  plugins: [lazyBuiltins, lean, ascii, launcher],
  output: {
    dir: 'dist',
    entryFileNames: 'escapement/[name].mjs',
    chunkFileNames: 'escapement/[name].mjs',
    cleanDir: true,
    codeSplitting: { groups: startFiles },
    format: 'esm',
    minify: { mangle: false, compress: true, codegen: { removeWhitespace: true } },
  },
};
