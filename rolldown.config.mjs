// One file that runs on Node 24 alone. `got` and the kubeconfig loader stay behind dynamic imports and are
// inlined here, so that the operator is still a single file to copy into an image.
export default {
  input: 'src/main.ts',
  platform: 'node',
  output: {
    file: 'dist/escapement.mjs',
    format: 'esm',
    codeSplitting: false,
    minify: { mangle: false, compress: true, codegen: { removeWhitespace: true } },
    banner: '#!/usr/bin/env node',
  },
};
