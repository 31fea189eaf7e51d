// The public command line of Pulumi ESC. The go.mod here names its release; tests let it talk to the double, as a client that
// this project did not write.
import { type BuiltProgram, builtGoProgram } from '../support/go-program.ts';

export async function builtPulumiCli(): Promise<BuiltProgram> {
  return await builtGoProgram({
    name: 'pulumi-cli',
    title: 'the public command line',
    folder: import.meta.dirname,
    files: ['go.mod', 'go.sum'],
    package: 'github.com/pulumi/esc/cmd/esc',
  });
}
