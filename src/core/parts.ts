// What few objects need of this room, in parts that are loaded when the first of them comes. `beforeJob` waits for those that a
// job needs, so that the jobs themselves stay pure and need not wait.
import { OnDemand } from '../base/on-demand.ts';

/** Parser, functions, certificates, YAML: all that `spec.target.template`, transforms and Webhooks need. */
export const templates = new OnDemand('the template language', () => import('./template-jobs.ts'));

/** The steps of `rewrite`. */
export const rewriting = new OnDemand('the rewriting of keys', () => import('./rewrite.ts'));

/** RE2 and its tables. */
export const regexps = new OnDemand('the regular expressions', () => import('./regexp.ts'));

/** Paths of `property`. */
export const jsonPaths = new OnDemand('the JSON paths', () => import('./gjson/get.ts'));

/** The language of Environments. */
export const environments = new OnDemand(
  'the language of Environments',
  async () => (await import('./esc/environment-jobs.ts')).environmentJobs,
);

/** All of them, for those whose clock does not wait for files. */
export async function loadParts(): Promise<void> {
  await Promise.all([templates, rewriting, regexps, jsonPaths, environments].map((part) => part.load()));
}
