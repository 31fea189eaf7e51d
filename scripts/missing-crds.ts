// Which CRDs a cluster lacks: those that are there may be another operator's, and are never written over.
import { readdirSync } from 'node:fs';

/** Files are named `group_plural.yaml`, CRDs `plural.group`. */
export function nameOfCrd(file: string): string {
  const [group = '', plural = ''] = file.replace(/\.yaml$/, '').split('_');
  return `${plural}.${group}`;
}

export function namesOfCrds(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.yaml'))
    .map(nameOfCrd);
}

/** The CRDs of the directory that the cluster does not have. `ask` runs kubectl. */
export async function missingCrds(
  directory: string,
  ask: (...args: string[]) => Promise<{ readonly stdout: string }>,
): Promise<readonly string[]> {
  const names = namesOfCrds(directory);
  const { stdout } = await ask('get', 'crd', ...names, '--ignore-not-found', '--output=name');
  const found = new Set(stdout.split('\n').map((line) => line.trim().replace(/^.*\//, '')));
  return names.filter((name) => !found.has(name));
}
