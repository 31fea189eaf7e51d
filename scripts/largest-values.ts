// `npm run largest-values`: the largest value of each parameter of the kinds, and of each answer of an upstream, through the
// code that takes it in; how long the event loop stood still at most, and how much memory it took. Writes the tables of
// docs/largest-values.md.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { type LargestObject, largestObjects } from '../bench/support/largest-objects.ts';
import { systemClock } from '../src/base/clock.ts';
import { kinds } from '../src/controller/kinds.ts';
import { keptConfigMapRecord, keptTargetRecord, namespaceRecord, revisionRecord } from '../src/controller/records.ts';
import { Budget, inlineShare } from '../src/core/budget.ts';
import { managedLabel, managedLabelValue } from '../src/core/contract-names.ts';
import { hostileFamilies } from '../src/core/hostile.fixture.ts';
import { runJob } from '../src/core/jobs.ts';
import { loadParts } from '../src/core/parts.ts';
import { type GeneratorRefKind, generatorKinds, parseGenerator } from '../src/crds/generators/table.ts';
import { structural } from '../src/crds/structural.ts';
import { parseEnvelope } from '../src/kube/bounded-json.ts';
import type { KubeObject } from '../src/kube/types.ts';
import { answerError as infisicalError, readJsonInTurns as readInfisical } from '../src/providers/infisical/errors.ts';
import { parseList } from '../src/providers/infisical/wire.ts';
import { definitionOf } from '../src/providers/pulumi/definition.ts';
import { answerError as pulumiError, readJsonInTurns as readPulumi } from '../src/providers/pulumi/errors.ts';
import { parseEnvironment } from '../src/providers/pulumi/plain-values.ts';
import { heldMostBytes, MemoryAccount } from '../src/runtime/memory-account.ts';
import { watched } from '../test/support/thread-time.ts';
import { readFlags } from './arguments.ts';

const flags = readFlags(
  `usage: npm run largest-values -- [options]   longest pause and memory for the largest values that are taken
  --runs N     runs of each, of which the shortest pause counts: the machine is busy now and then (3)
  --print      prints the tables, and writes no file`,
  { runs: { type: 'string', default: '3' }, print: { type: 'boolean', default: false } },
);
const runs = Number(flags.runs);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void; // V8 has it now

interface Cost {
  readonly pauseMs: number;
  readonly mebibytes: number;
}

/** Time of this thread between two turns of the loop at most, and what was in memory besides at the end, garbage included. */
async function costOf(run: () => unknown): Promise<Cost> {
  const costs: Cost[] = [];
  for (let at = 0; at < runs; at++) {
    collect();
    const before = process.memoryUsage();
    let peak = 0;
    const { longestMs } = await watched(run, () => {
      const { heapUsed, external } = process.memoryUsage();
      peak = Math.max(peak, heapUsed + external - before.heapUsed - before.external);
    });
    costs.push({ pauseMs: longestMs, mebibytes: peak / 2 ** 20 });
  }
  return costs.reduce((best, each) => (each.pauseMs < best.pauseMs ? each : best));
}

interface Row extends Cost {
  readonly what: string;
}

function tableOf(head: string, rows: readonly Row[]): string {
  const lines = rows.map(
    ({ what, pauseMs, mebibytes }) => `| ${what} | ${pauseMs.toFixed(1)} | ${mebibytes.toFixed(1)} |`,
  );
  return [`| ${head} | longest pause, ms | memory, MiB |`, '| --- | --- | --- |', ...lines].join('\n');
}

const metadata = { name: 'x', namespace: 'x', uid: 'x', generation: 1, resourceVersion: '1' };

const sameAsSecretStore = 'ClusterSecretStore';
const sameAsExternalSecret = 'spec.externalSecretSpec.';
/** Below this a row says nothing. */
const leastMs = 10;

async function rowsOfKinds(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [name, row] of Object.entries(kinds)) {
    if (name === sameAsSecretStore) continue;
    const record: (object: KubeObject) => unknown = row.record;
    const all = largestObjects(structural(row.definition.spec));
    const own = all.filter(({ parameter }) => !parameter.startsWith(sameAsExternalSecret));
    rows.push(...(await rowsOf(name, own, record)));
  }
  for (const { resource, spec: schema } of Object.values(generatorKinds)) {
    const kind = resource.kind as GeneratorRefKind; // a key of the table that it stands in
    const take = (object: KubeObject) => parseGenerator(kind, object);
    rows.push(...(await rowsOf(kind, largestObjects(structural(schema)), take)));
  }
  return rows;
}

async function rowsOf(
  name: string,
  parameters: readonly LargestObject[],
  take: (object: KubeObject) => unknown,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { parameter, make } of parameters)
    rows.push({ what: `${name} \`${parameter}\``, ...(await costOfEvent({ metadata, spec: make() }, take)) });
  const short = rows.filter(({ pauseMs }) => pauseMs < leastMs);
  if (short.length === 0) return rows;
  const most = (of: keyof Cost) => Math.max(...short.map((row) => row[of]));
  const rest = { what: `${name}: ${short.length} more`, pauseMs: most('pauseMs'), mebibytes: most('mebibytes') };
  return [...rows.filter((row) => !short.includes(row)), rest];
}

/** From the line of a watch to what is kept. */
async function costOfEvent(object: unknown, take: (object: KubeObject) => unknown): Promise<Cost> {
  const line = JSON.stringify({ type: 'MODIFIED', object });
  return await costOf(() => take((parseEnvelope(line) as { readonly object: KubeObject }).object)); // as was just written
}

/** Fewer than fit an object, but each is looked at. */
const entries = (count: number, value: unknown = '') =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at.toString(36)}`, value]));
/** What etcd takes of names of four letters. */
const mostEntries = 110_000;
const mark = { [managedLabel]: managedLabelValue };
const account = (count: number) => [
  { manager: 'externalsecrets.external-secrets.io/x', fieldsV1: { 'f:metadata': { 'f:labels': entries(count, {}) } } },
];
const value = Buffer.alloc(100, 'x').toString('base64');

/** Objects of other kinds, which anybody may write who may write such objects. */
const foreign: Readonly<Record<string, readonly [object: object, take: (object: KubeObject) => unknown]>> = {
  'target Secret: as many keys as fit': [
    { metadata: { ...metadata, labels: mark }, data: entries(mostEntries) },
    keptTargetRecord,
  ],
  'target Secret: as many keys as are read': [
    { metadata: { ...metadata, labels: mark }, data: entries(10_000, value) },
    keptTargetRecord,
  ],
  'target Secret: one value': [
    { metadata, data: { a: Buffer.alloc(2 ** 20, 'x').toString('base64') } },
    keptTargetRecord,
  ],
  'target Secret: labels': [{ metadata: { ...metadata, labels: entries(mostEntries) } }, keptTargetRecord],
  'target Secret: as many labels as are read': [
    { metadata: { ...metadata, labels: entries(4_900) } },
    keptTargetRecord,
  ],
  'target Secret: managedFields': [{ metadata: { ...metadata, managedFields: account(80_000) } }, keptTargetRecord],
  'target Secret: as much of managedFields as is read': [
    { metadata: { ...metadata, managedFields: account(9_900) } },
    keptTargetRecord,
  ],
  'target ConfigMap: as many keys as are read': [{ metadata, data: entries(10_000, value) }, keptConfigMapRecord],
  'ControllerRevision: data': [{ metadata, revision: 1, data: { values: entries(mostEntries) } }, revisionRecord],
  'ControllerRevision: as much data as is read': [
    { metadata, revision: 1, data: { values: entries(19_000) } },
    revisionRecord,
  ],
  'Namespace: labels': [{ metadata: { ...metadata, labels: entries(mostEntries) } }, namespaceRecord],
};

async function rowsOfForeign(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [what, [object, take]] of Object.entries(foreign))
    rows.push({ what, ...(await costOfEvent(object, take)) });
  return rows;
}

/** Inputs of each family. */
const samples = 12;

/** A bounded sample of each family, within the share of the loop; beyond it the thread takes over. */
async function rowsOfJobs(): Promise<readonly Row[]> {
  await loadParts();
  const rows: Row[] = [];
  for (const [name, orders] of Object.entries(hostileFamilies)) {
    let worst: Cost = { pauseMs: 0, mebibytes: 0 };
    for (const { kind, input } of fc.sample(orders, { numRuns: samples, seed: 1 })) {
      const cost = await costOf(() => runJob(kind, input, new Budget(inlineShare)));
      worst = {
        pauseMs: Math.max(worst.pauseMs, cost.pauseMs),
        mebibytes: Math.max(worst.mebibytes, cost.mebibytes),
      };
    }
    rows.push({ what: name, ...worst });
  }
  return rows;
}

/** As the Dockerfile has it. */
const imageHeapBytes = 192 * 2 ** 20;
const { answerMostBytes: answerBytes } = new MemoryAccount({
  clock: systemClock,
  mostBytes: heldMostBytes(imageHeapBytes),
});
const errorBytes = 65_536;
const infisicalPlace = { operation: 'list secrets', host: 'example.com' };
const pulumiPlace = { operation: 'open', host: 'example.com' };
const sent = { headers: {}, body: '' };

function filled(head: string, unit: string, tail: string): Buffer {
  const count = Math.floor((answerBytes - head.length - tail.length) / (unit.length + 1));
  return Buffer.from(`${head}${Array.from({ length: count }, () => unit).join(',')}${tail}`);
}

const answerOf = (status: number, body: Buffer) => ({ status, headers: {}, body });
const secret = `{"secretKey":"K","secretValue":"v","secretPath":"/"}`;
const infisical = async (body: Buffer) =>
  await parseList(await readInfisical(answerOf(200, body), infisicalPlace, sent));
const pulumi = async (body: Buffer) => await parseEnvironment(await readPulumi(answerOf(200, body), pulumiPlace));

const answers: Readonly<Record<string, readonly [body: () => Buffer | string, take: (body: never) => unknown]>> = {
  'Infisical: a list of small secrets': [() => filled('{"secrets":[', secret, ']}'), infisical],
  'Infisical: one value': [
    () => Buffer.from(`{"secrets":[${secret.replace('"v"', `"${'\\n'.repeat(answerBytes / 2)}"`)}]}`),
    infisical,
  ],
  'Infisical: empty lists': [() => filled('{"secrets":[', '[]', ']}'), infisical],
  'Infisical: the words of an error': [
    () => Buffer.from(JSON.stringify({ message: 'ip token jwt '.repeat(errorBytes / 13) })),
    (body: Buffer) => infisicalError(answerOf(403, body), infisicalPlace, sent),
  ],
  'Pulumi: many values': [() => filled('{"properties":{"a":{"value":[', '{"value":"x"}', ']}}}'), pulumi],
  'Pulumi: numbers': [() => filled('{"properties":{"a":{"value":[', '{"value":1.50}', ']}}}'), pulumi],
  'Pulumi: one text': [() => Buffer.from(`{"properties":{"a":{"value":"${'\\n'.repeat(answerBytes / 2)}"}}}`), pulumi],
  'Pulumi: the words of an error': [
    () => Buffer.from(JSON.stringify({ message: 'x '.repeat(errorBytes / 2) })),
    (body: Buffer) => pulumiError(answerOf(403, body), pulumiPlace),
  ],
  'Pulumi: a definition of many values': [
    () => `values:\n${'  a: [b, c]\n'.repeat(5_400)}`,
    (text: string) => definitionOf(text, '1'),
  ],
  'Pulumi: a definition of aliases': [
    () => `values:\n  a: &a [x]\n${'  b: [*a, *a]\n'.repeat(4_500)}`,
    (text: string) => definitionOf(text, '1'),
  ],
};

async function rowsOfAnswers(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [what, [make, take]] of Object.entries(answers)) {
    const body = make();
    rows.push({ what, ...(await costOf(() => take(body as never))) }); // made for it, in the same entry
  }
  return rows;
}

const kindRows = await rowsOfKinds();
const page = `<!-- Made by \`npm run largest-values\`; edit scripts/largest-values.ts. -->

# The largest values

The largest value of each parameter that the API server takes (an object has ${(1_400_000 / 1e6).toFixed(1)} MB), and the largest answers that are read, each
through the code that takes it in: from the line of a watch on, of which fields with too many members are left out
(\`src/kube/bounded-json.ts\`). The pause is the time that this thread worked between two turns of the event loop, whose bound
is 50 ms; memory is what there was besides at the worst moment, garbage included. Longer work is given to a thread with a heap and
10 s of its own ([how](security.md#values)).

## Parameters, on the way into the cache

All parameters of the schemas; a ClusterSecretStore has those of a SecretStore, and a ClusterExternalSecret those of an ExternalSecret
besides its own. What took less than ${leastMs} ms stands in one row for each kind.

${tableOf('parameter', kindRows)}

## Objects of other kinds

They are followed as targets, as revisions and for their labels, and hold what whoever may write them wants.

${tableOf('object', await rowsOfForeign())}

## Work that they ask for, within the share of the loop

The worst of ${samples} inputs that are meant to be slow, of each kind; \`npm run fuzz:hostile\` tries 10,000.

${tableOf('work', await rowsOfJobs())}

## Answers of upstreams

An answer has at most ${(answerBytes / 2 ** 20).toFixed(0)} MiB with the heap of the image.

${tableOf('answer', await rowsOfAnswers())}
`;
if (flags.print) process.stdout.write(page);
else writeFileSync(join(import.meta.dirname, '../docs/largest-values.md'), page);
