// The chart as helm renders it, one time per set of values: what comes out is kept in the cache, keyed by chart and values,
// so that a test run costs no helm. Without helm (offline, nothing cached) the committed kustomize base takes its place.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { cacheFolder } from '../control-plane/build.ts';
import { helm } from './helm.ts';
import { NoProgram } from './packaged-program.ts';

const root = join(import.meta.dirname, '..', '..');
export const chartFolder = join(root, 'deploy', 'helm', 'escapement');
const baseFolder = join(root, 'deploy', 'kustomize', 'base');
/** Besides those in folders of their own. */
const filesRead = ['forbidden-ranges', 'written-objects'].map((name) => join('files', `${name}.yaml`));
/** Stands for the release's namespace in what is kept, so that every namespace shares it. */
const placeholder = 'namespace-of-the-release';
/** The namespace that the kustomize base names. */
const baseNamespace = 'escapement-system';

export type ChartValues = Readonly<Record<string, unknown>>;

const text = z.string();
const rule = z.object({
  apiGroups: z.array(text),
  resources: z.array(text),
  verbs: z.array(text),
  resourceNames: z.array(text).optional(),
});
export type Rule = z.infer<typeof rule>;

/** As far as tests look into it; other fields stay. */
const manifest = z.looseObject({
  apiVersion: text,
  kind: text,
  metadata: z.looseObject({ name: text, namespace: text.optional() }),
  rules: z.array(rule).optional(),
});
export type RenderedObject = z.infer<typeof manifest>;

const deployment = z.object({
  spec: z.object({
    template: z.object({
      spec: z.object({
        serviceAccountName: text,
        containers: z.tuple([
          z.object({
            args: z.array(text),
            env: z.array(
              z.object({
                name: text,
                value: text.optional(),
                valueFrom: z.object({ fieldRef: z.object({ fieldPath: text }) }).optional(),
              }),
            ),
          }),
        ]),
      }),
    }),
  }),
});

export interface Release {
  readonly namespace: string;
  /** On top of the chart's own. */
  readonly values?: ChartValues;
}

/** The objects of a release named `escapement`, without CRDs. Throws HelmError when the values are refused. */
export async function renderChart({ namespace, values = {} }: Release): Promise<readonly RenderedObject[]> {
  const json = JSON.stringify({ ...values, installCRDs: false }).replaceAll(`"${namespace}"`, `"${placeholder}"`);
  const path = join(cacheFolder(), 'rendered', `${await keyOf(json)}.yaml`);
  try {
    const yaml = await readFile(path, 'utf8').catch(() => render(json, path));
    return objectsOf(yaml.replaceAll(placeholder, namespace));
  } catch (thrown) {
    if (!(thrown instanceof NoProgram)) throw thrown;
    process.stderr.write(`${thrown.message}; using deploy/kustomize/base\n`);
    return withoutHelm(namespace, values);
  }
}

async function render(json: string, path: string): Promise<string> {
  const args = ['template', 'escapement', chartFolder, '--namespace', placeholder, '--values', '-'];
  const { stdout } = await helm(args, { stdin: json });
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, stdout);
  await rename(unfinished, path);
  return stdout;
}

async function keyOf(values: string): Promise<string> {
  const hash = createHash('sha256').update(values);
  const inside = async (folder: string) =>
    (await readdir(join(chartFolder, folder))).sort().map((name) => join(folder, name));
  const files = [...(await inside('templates')), ...(await inside(join('files', 'monitoring'))), ...filesRead];
  for (const file of ['Chart.yaml', 'values.yaml', 'values.schema.json', ...files]) {
    hash.update(`\n${file}\n`).update(await readFile(join(chartFolder, file)));
  }
  return hash.digest('hex').slice(0, 24);
}

const valuesOfTests = z.looseObject({
  scopedNamespace: text.optional(),
  leaderElect: z.boolean().default(true),
  insecureUpstreamHosts: z.array(text).default([]),
});

/** The committed base, with the flags of the values that tests cannot do without; roles are as by default. */
async function withoutHelm(namespace: string, values: ChartValues): Promise<readonly RenderedObject[]> {
  const { scopedNamespace, leaderElect, insecureUpstreamHosts } = valuesOfTests.parse(values);
  const flags = [
    `--insecure-upstream-hosts=${insecureUpstreamHosts.join(',')}`,
    `--enable-leader-election=${leaderElect}`,
    ...(scopedNamespace === undefined ? [] : [`--namespace=${scopedNamespace}`]),
  ];
  const base = await readFile(join(baseFolder, 'escapement.yaml'), 'utf8');
  const yaml = base.replace(/^( *- )--insecure-upstream-hosts=.*$/m, (_, indent: string) =>
    flags.map((flag) => `${indent}${flag}`).join('\n'),
  );
  return objectsOf(yaml.replaceAll(baseNamespace, namespace));
}

/** The objects of a YAML stream. Throws when one is not a Kubernetes manifest. */
export function objectsOf(yaml: string): readonly RenderedObject[] {
  return parseAllDocuments(yaml)
    .map((document): unknown => document.toJS())
    .filter((object) => object !== null && object !== undefined)
    .map((object) => manifest.parse(object));
}

/** The operator's container, as a copy. */
export function containerOf(objects: readonly RenderedObject[]) {
  const found = objects.find(({ kind }) => kind === 'Deployment');
  const spec = deploymentSpec(found);
  return { ...spec.containers[0], serviceAccountName: spec.serviceAccountName };
}

function deploymentSpec(object: RenderedObject | undefined) {
  if (object === undefined) throw new Error('the chart rendered no Deployment');
  return deployment.parse(object).spec.template.spec;
}
