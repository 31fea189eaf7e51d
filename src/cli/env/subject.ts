// What an ENV on the command line means:
//
//   dev.yaml  ./dev  -        a file, or what comes in
//   dev  my-app/dev  dev@3    an Environment of the cluster; with --dir, a file of that directory
//   pulumi:org/project/env@2  an environment of Pulumi Cloud
import { UsageError } from '../arguments.ts';

export type Subject =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'named'; readonly name: string }
  | {
      readonly kind: 'pulumi';
      readonly organization: string;
      readonly project: string;
      readonly environment: string;
      readonly version: string | undefined;
    };

const cloudName = /^([\w.-]+)\/([\w.-]+)\/([\w.-]+?)(?:[@:]([\w.-]+))?$/;

/** Throws UsageError. */
export function readSubject(text: string): Subject {
  if (text.startsWith('pulumi:')) {
    const [, organization, project, environment, version] = cloudName.exec(text.slice('pulumi:'.length)) ?? [];
    if (organization === undefined || project === undefined || environment === undefined) {
      throw new UsageError(
        `${JSON.stringify(text)}: write pulumi:ORGANIZATION/PROJECT/ENVIRONMENT, and @VERSION if wanted`,
      );
    }
    return { kind: 'pulumi', organization, project, environment, version };
  }
  const isPath = text === '-' || /^\.{0,2}\//.test(text) || /\.ya?ml$/i.test(text);
  return isPath ? { kind: 'file', path: text } : { kind: 'named', name: text };
}
