// One file that runs on Node 24 alone. `got` and the login plugins of kubeconfigs stay behind dynamic imports and are
// inlined here, so that the operator is still a single file to copy into an image.

/** What the login plugins' package imports besides, and never calls for a login: its HTTP clients and generated APIs. */
const unusedByPlugins =
  /node_modules\/(@kubernetes\/client-node|undici|hpagent|socks|socks-proxy-agent|jsonpath-plus|js-yaml)\//;

export default {
  input: 'src/main.ts',
  platform: 'node',
  treeshake: { moduleSideEffects: [{ test: unusedByPlugins, sideEffects: false }] },
  output: {
    file: 'dist/escapement.mjs',
    format: 'esm',
    codeSplitting: false,
    minify: { mangle: false, compress: true, codegen: { removeWhitespace: true } },
    banner: '#!/usr/bin/env node',
  },
};
