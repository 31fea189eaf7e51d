// What an ENV on the command line means:
//
//   dev.yaml  ./dev  -        a file, or what comes in
//   dev  my-app/dev  dev@3    an Environment of the cluster; with --dir, a file of that directory
//   cluster:my-app/dev        an Environment of the cluster, with --dir too
//   pulumi:org/project/env@2  an environment of Pulumi Cloud
import { UsageError } from '../arguments.ts';

export type Subject =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'named'; readonly name: string }
  | { readonly kind: 'cluster'; readonly name: string }
  | {
      readonly kind: 'pulumi';
      readonly organization: string;
      readonly project: string;
      readonly environment: string;
      readonly version: string | undefined;
    };

const cloudName = /^([\w.-]+)\/([\w.-]+)\/([\w.-]+?)(?:[@:]([\w.-]+))?$/;

const clusterPrefix = 'cluster:';
const cloudPrefix = 'pulumi:';

/** Whether the text names an environment that is no file, whatever files there are. */
export function isElsewhere(text: string): boolean {
  return text.startsWith(clusterPrefix) || text.startsWith(cloudPrefix);
}

/** Throws UsageError. */
export function readSubject(text: string): Subject {
  if (text.startsWith(clusterPrefix)) {
    return { kind: 'cluster', name: versioned(text.slice(clusterPrefix.length)) };
  }
  if (text.startsWith(cloudPrefix)) {
    const [, organization, project, environment, version] = cloudName.exec(text.slice(cloudPrefix.length)) ?? [];
    if (organization === undefined || project === undefined || environment === undefined) {
      throw new UsageError(
        `${JSON.stringify(text)}: write pulumi:ORGANIZATION/PROJECT/ENVIRONMENT, and @VERSION if wanted`,
      );
    }
    return { kind: 'pulumi', organization, project, environment, version };
  }
  const isPath = text === '-' || /^\.{0,2}\//.test(text) || /\.(ya?ml|json)$/i.test(text);
  return isPath ? { kind: 'file', path: text } : { kind: 'named', name: versioned(text) };
}

/** `:` works for `@`, as it does for `esc`. */
function versioned(name: string): string {
  return name.includes('@') ? name : name.replace(/:([\w.-]+)$/, '@$1');
}

/** What a text means beside ENV: `@3` is ENV at that version, anything else an ENV itself. Throws UsageError. */
export function besides(text: string, env: string): string {
  if (!text.startsWith('@')) return text;
  if (readSubject(env).kind === 'file')
    throw new UsageError(`${env}: a file has no versions; name what it is compared with`);
  const [, prefix = '', name = ''] = /^(cluster:|pulumi:)?(.*)$/.exec(env) ?? [];
  return `${prefix}${versioned(name).replace(/@[^@]*$/, '')}${text}`;
}

/** Where names of imports lead that no file has: the name there, as an ENV. */
export type ImportsFrom = (name: string) => string;

/** Of `--imports-from`: `cluster`, or `pulumi:ORGANIZATION`, where a bare name is of project `default`. Throws UsageError. */
export function readImportsFrom(text: string): ImportsFrom {
  if (text === 'cluster') return (name) => `${clusterPrefix}${name}`;
  if (/^pulumi:[\w.-]+$/.test(text)) return (name) => `${text}/${name.includes('/') ? name : `default/${name}`}`;
  throw new UsageError(`--imports-from ${JSON.stringify(text)}: write cluster, or pulumi:ORGANIZATION`);
}
