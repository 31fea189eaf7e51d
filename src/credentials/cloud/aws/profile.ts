// The shared files of the AWS SDKs: which profile is meant, and what stands in it. Keys, a web identity and the region are
// understood; ways that run programs or need a browser are not.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
import { OperatorError } from '../../../base/operator-error.ts';
import { type ReadFile, readIfThere } from '../files.ts';
import type { AwsPorts } from './found.ts';

/** The settings of one profile, from both files; the credentials file wins. */
export interface AwsProfile {
  readonly name: string;
  readonly settings: ReadonlyMap<string, string>;
}

/** The profile in use; without settings when no file has it. Throws InvalidCredential for one that is asked for and missing. */
export async function readProfile({ environment, readFile }: AwsPorts, signal: AbortSignal): Promise<AwsProfile> {
  const { HOME: home, AWS_PROFILE: asked } = environment;
  const name = asked || 'default';
  const sections = async (variable: 'AWS_CONFIG_FILE' | 'AWS_SHARED_CREDENTIALS_FILE', usual: string) => {
    const named = environment[variable];
    if (named) return parseIni((await readIfThere(readFile, { variable, path: named }, signal)) ?? '');
    return parseIni(home ? await readUsual(readFile, `${home}/.aws/${usual}`, signal) : '');
  };
  const config = await sections('AWS_CONFIG_FILE', 'config');
  const credentials = await sections('AWS_SHARED_CREDENTIALS_FILE', 'credentials');
  const found = [
    config.get(`profile ${name}`),
    name === 'default' ? config.get(name) : undefined,
    credentials.get(name),
  ];
  if (asked && found.every((section) => section === undefined)) {
    throw new OperatorError('InvalidCredential', `AWS_PROFILE: no shared file has the profile "${name}"`);
  }
  return { name, settings: new Map(found.flatMap((section) => [...(section ?? [])])) };
}

/** A file that nobody asked for is left aside when it cannot be read: the home of a pod's user may be anywhere. */
async function readUsual(read: ReadFile, path: string, signal: AbortSignal): Promise<string> {
  try {
    return (await readIfThere(read, { variable: 'HOME', path }, signal)) ?? '';
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return '';
  }
}

/** Sections by name. Nested settings (indented lines below an empty value) mean nothing here and are passed over. */
function parseIni(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let current: Map<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;]|$)/.test(line)) continue;
    const section = /^\s*\[([^\]]+)\]/.exec(line)?.[1];
    if (section !== undefined) {
      const name = section.trim().replace(/\s+/g, ' ');
      current = sections.get(name) ?? new Map();
      sections.set(name, current);
      continue;
    }
    const [, key, value] = /^([^\s=][^=]*?)\s*=\s*(.*?)(?:\s+[#;].*)?\s*$/.exec(line) ?? [];
    if (key !== undefined) current?.set(key.toLowerCase(), value ?? '');
  }
  return sections;
}
