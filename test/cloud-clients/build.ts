// The clouds' own libraries in one program, for tests: clients that this project did not write. The first build takes minutes.
import { type BuiltProgram, builtGoProgram, cachedGoProgram, type GoProgram } from '../support/go-program.ts';

const source: GoProgram = {
  name: 'cloud-clients',
  title: "the clouds' own clients",
  folder: import.meta.dirname,
  files: ['go.mod', 'go.sum', 'main.go'],
  package: '.',
};

/** The program; built first if it must be, unless `ifBuilt` is set. */
export async function builtCloudClients({ ifBuilt }: { readonly ifBuilt: boolean }): Promise<BuiltProgram> {
  if (!ifBuilt) return await builtGoProgram(source);
  const program = await cachedGoProgram(source);
  return program === undefined ? { missing: `${source.title} were not built here yet` } : { program };
}
