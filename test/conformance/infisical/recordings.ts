// Recorded exchanges with a real server, as they lie in a directory of contracts: one JSON file per scenario.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const headers = z.record(z.string(), z.string());
const exchangeSchema = z.object({
  name: z.string(),
  request: z.object({
    method: z.string(),
    path: z.string(),
    headers: headers.default({}),
    body: z.unknown().optional(),
    bodyText: z.string().optional(),
  }),
  response: z
    .object({
      status: z.number(),
      headers: headers.default({}),
      body: z.unknown().optional(),
      bodyText: z.string().optional(),
    })
    .nullable(),
});
const fileSchema = z.object({ exchanges: z.array(exchangeSchema) });
const sentSchema = z.object({
  sent: z.array(
    z.object({
      environment: z.string(),
      secretPath: z.string(),
      secretName: z.string(),
      secretValue: z.string(),
      secretComment: z.string().optional(),
      skipMultilineEncoding: z.boolean().optional(),
      tagIds: z.array(z.string()).optional(),
      secretReminderNote: z.string().optional(),
      secretReminderRepeatDays: z.number().optional(),
    }),
  ),
});

export type Exchange = z.infer<typeof exchangeSchema>;
export type SentSecret = z.infer<typeof sentSchema>['sent'][number];

export interface Recordings {
  /** Exchanges by scenario (file name without `.json`). */
  readonly scenarios: ReadonlyMap<string, readonly Exchange[]>;
  /** What was sent when the secrets of `/types`, `/refs` and `/special` were made. */
  readonly sent: readonly SentSecret[];
}

const sentFile = 'value-kinds-sent';
const noScenario = ['index', sentFile];

/** Undefined when the directory does not exist. Throws for a file that is not in the known form, naming it. */
export async function loadRecordings(directory: string): Promise<Recordings | undefined> {
  const names = await namesIn(directory);
  if (!names) return undefined;
  const scenarios = new Map<string, readonly Exchange[]>();
  for (const name of names.filter((one) => !noScenario.includes(one)).toSorted()) {
    scenarios.set(name, (await readJson(directory, name, fileSchema)).exchanges);
  }
  const sent = names.includes(sentFile) ? (await readJson(directory, sentFile, sentSchema)).sent : [];
  return { scenarios, sent };
}

async function namesIn(directory: string): Promise<readonly string[] | undefined> {
  try {
    const files = await readdir(directory);
    return files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function readJson<T>(directory: string, name: string, schema: z.ZodType<T>): Promise<T> {
  const file = join(directory, `${name}.json`);
  const parsed = schema.safeParse(JSON.parse(await readFile(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new Error(`${file}: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`);
}

/** The exchange of that name; throws when a directory of contracts does not hold it. */
export function exchangeNamed(recordings: Recordings, scenario: string, name: string): Exchange {
  const found = recordings.scenarios.get(scenario)?.find((exchange) => exchange.name === name);
  if (!found) throw new Error(`the contracts hold no exchange '${name}' in ${scenario}.json`);
  return found;
}

const jwt = /[\w-]+\.[\w-]+\.[\w-]*/;

/** The claims of the first JWT in a text, unchecked. */
export function claimsIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const body = jwt.exec(text)?.[0].split('.')[1] ?? '';
    return { ...Object(JSON.parse(Buffer.from(body, 'base64url').toString())) };
  } catch {
    return {};
  }
}
