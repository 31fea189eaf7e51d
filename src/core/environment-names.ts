// Names of Environments as documents write them, what they mean, and which ones a document writes. A bare name means the
// namespace of the document; what stands behind `@` is a revision or a tag.

import { OperatorError } from '../base/operator-error.ts';
import { scanString } from './esc/reference.ts';

/** The Environment and its namespace. */
export interface EnvironmentName {
  readonly namespace: string;
  readonly name: string;
  /** Number of a revision, or a tag; '' for the document as it stands. */
  readonly version: string;
}

const namePart = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const versionPart = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const longestVersion = 63;
/** A namespace of 63 characters, a name of 253, a version, and what stands between them. */
const longestName = 381;
/** The version that is the document as it stands. */
export const latestVersion = 'latest';

/** Resolves a name in a document of `namespace`. Throws InvalidSpec for what cannot be a name. */
export function environmentName(text: string, namespace: string): EnvironmentName {
  const [path = '', version = '', ...more] = text.split('@');
  const parts = path.split('/');
  const [first = '', second] = parts;
  const found = second === undefined ? { namespace, name: first } : { namespace: first, name: second };
  const isVersion = version === '' ? !text.includes('@') : isEnvironmentVersion(version);
  if (
    more.length === 0 &&
    isVersion &&
    parts.length <= 2 &&
    namePart.test(found.name) &&
    namePart.test(found.namespace)
  )
    return { ...found, version: version === latestVersion ? '' : version };
  throw new OperatorError(
    'InvalidSpec',
    `environment ${JSON.stringify(text.slice(0, longestName))} is no name: write name, or namespace/name, with @revision or @tag behind it if need be`,
  );
}

/** Whether the text may stand behind `@`. */
export function isEnvironmentVersion(text: string): boolean {
  return text.length <= longestVersion && versionPart.test(text);
}

/** `namespace/name`, with `@version` where there is one: the same text for all that mean the same. */
export function environmentKey({ namespace, name, version }: EnvironmentName): string {
  return version === '' ? `${namespace}/${name}` : `${namespace}/${name}@${version}`;
}

/** What an import in a document of `namespace` means; a text that is no name stays as it is, below the namespace. */
export function importTarget(written: string, namespace: string): string {
  const text = written.includes('/') ? written : `${namespace}/${written}`;
  return normalised(text);
}

function normalised(text: string): string {
  return text.endsWith(`@${latestVersion}`) ? text.slice(0, -latestVersion.length - 1) : text;
}

/** Names that `${environments.NAMESPACE.NAME}` asks for, anywhere in the values. */
export function* referencesIn(values: unknown): Iterable<string> {
  const rest: unknown[] = [values];
  while (rest.length > 0) {
    const value = rest.pop();
    if (typeof value === 'string') {
      if (!value.includes('environments')) continue; // most texts name none, and are many
      for (const part of scanString(value).parts) {
        if (typeof part === 'string') continue;
        const [root, namespace, name] = part;
        if (root?.key === 'environments') yield `${namespace?.key}/${name?.key}`;
      }
    } else if (typeof value === 'object' && value !== null) {
      for (const each of Object.values(value)) rest.push(each);
    }
  }
}

/** More names than that of one document are not followed: an evaluation would refuse them. */
const mostNames = 256;

/**
 * The Environments that a document of `namespace` names, by import or by reference, as `namespace/name` without version;
 * itself and what is no name left out. Works on documents that do not parse.
 */
export function environmentsNamedBy(
  { imports, values }: { readonly imports?: unknown; readonly values?: unknown },
  namespace: string,
): readonly string[] {
  const found = new Set<string>();
  const note = (text: string) => {
    if (found.size >= mostNames) return;
    const key = keyOrNothing(text, namespace);
    if (key !== undefined) found.add(key);
  };
  for (const entry of Array.isArray(imports) ? (imports as readonly unknown[]) : []) {
    if (typeof entry === 'string') note(entry);
    else if (typeof entry === 'object' && entry !== null) for (const name of Object.keys(entry)) note(name);
  }
  for (const name of referencesIn(values)) note(name);
  return [...found];
}

function keyOrNothing(text: string, namespace: string): string | undefined {
  try {
    return environmentKey({ ...environmentName(text, namespace), version: '' });
  } catch {
    return undefined; // told where the document is evaluated
  }
}
