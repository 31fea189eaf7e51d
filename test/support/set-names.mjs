// Loaded into the operator by NODE_OPTIONS: look-ups by c-ares go to the name server that ESCAPEMENT_TEST_NAMES gives, and not
// to those of the machine.
import { createRequire, syncBuiltinESMExports } from 'node:module';

const names = createRequire(import.meta.url)('node:dns/promises');
const { Resolver } = names;

names.Resolver = class extends Resolver {
  constructor(options) {
    super(options);
    this.setServers([process.env.ESCAPEMENT_TEST_NAMES]);
  }
};
syncBuiltinESMExports();
