// What to put on the double at its start, as JSON: for scripts and other processes. Tests in the same process may as well
// call `projects`, `secrets` and `identities` themselves.
import { z } from 'zod';
import type { Identities } from './identities.ts';
import type { Projects } from './projects.ts';
import type { Secrets } from './secrets.ts';

const role = z.enum(['admin', 'member', 'viewer', 'no-access']);
const actions = z.array(z.enum(['read', 'create', 'edit', 'delete']));
const access = z.strictObject({
  role,
  roleUntilMs: z.number().exactOptional(),
  rights: z
    .array(z.strictObject({ environment: z.string(), path: z.string(), actions: actions.exactOptional() }))
    .exactOptional(),
});
const clientSecret = z.strictObject({
  secret: z.string().exactOptional(),
  ttlSeconds: z.number().exactOptional(),
  usesLimit: z.number().exactOptional(),
});

/** An identity without the methods that need a verifier: those are code. */
export const identitySeed = z.strictObject({
  name: z.string().min(1),
  id: z.string().exactOptional(),
  ttlSeconds: z.number().exactOptional(),
  maxTtlSeconds: z.number().exactOptional(),
  usesLimit: z.number().exactOptional(),
  universal: z
    .strictObject({
      clientId: z.string().exactOptional(),
      clientSecrets: z.array(clientSecret).exactOptional(),
      lockoutThreshold: z.number().exactOptional(),
    })
    .exactOptional(),
  access: z.record(z.string(), access).exactOptional(),
});

export const accessSeed = access;

export const projectSeed = z.strictObject({
  slug: z.string().min(1),
  name: z.string().exactOptional(),
  id: z.string().exactOptional(),
  environments: z
    .array(z.strictObject({ slug: z.string(), name: z.string().exactOptional(), id: z.string().exactOptional() }))
    .exactOptional(),
  tags: z
    .array(z.strictObject({ slug: z.string(), color: z.string().exactOptional(), id: z.string().exactOptional() }))
    .exactOptional(),
  /** Environment → folder path → key → value. A folder without keys is made empty. */
  secrets: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.string()))).exactOptional(),
  imports: z
    .array(
      z.strictObject({
        environment: z.string(),
        path: z.string(),
        from: z.array(z.strictObject({ environment: z.string(), path: z.string() })),
      }),
    )
    .exactOptional(),
});

export const seedSchema = z.strictObject({
  projects: z.array(projectSeed).exactOptional(),
  identities: z.array(identitySeed).exactOptional(),
});

export type Seed = z.infer<typeof seedSchema>;
export type ProjectSeed = z.infer<typeof projectSeed>;

export interface Ground {
  readonly projects: Projects;
  readonly secrets: Secrets;
  readonly identities: Identities;
}

/** Reads a seed from JSON. Throws an Error of one line that names the first wrong member. */
export function parseSeed(json: unknown, source: string): Seed {
  const parsed = seedSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Error(`seed ${source}: ${issue?.path.join('.') || 'the document'}: ${issue?.message ?? 'is not valid'}`);
}

export function plant(seed: Seed, ground: Ground): void {
  for (const project of seed.projects ?? []) plantProject(project, ground);
  for (const identity of seed.identities ?? []) ground.identities.add(identity);
}

export function plantProject(seed: ProjectSeed, { projects, secrets }: Ground): void {
  const { slug: project } = projects.add(seed);
  for (const [environment, folders] of Object.entries(seed.secrets ?? {})) {
    for (const [path, values] of Object.entries(folders)) {
      projects.addFolder({ project, environment, path });
      for (const [key, value] of Object.entries(values)) secrets.set({ project, environment, path, key, value });
    }
  }
  for (const { environment, path, from } of seed.imports ?? []) {
    projects.setImports({ project, environment, path }, from);
  }
}

/** The structure that ESO's documentation of its Infisical provider shows, in each environment. */
export function sampleSeed(): Seed {
  const folders = (environment: string) => ({
    '/': {
      API_KEY: `${environment}-api-key`,
      DB_PASSWORD: `${environment}-db-password`,
      JSON_BLOB: '{"key": "value"}',
    },
    '/my-app': {
      SERVICE_PASSWORD: `${environment}-service-password`,
      ADMIN_PASSWORD: `${environment}-admin-password`,
    },
  });
  const environments = ['dev', 'staging', 'prod'];
  const secrets = Object.fromEntries(environments.map((environment) => [environment, folders(environment)]));
  return {
    projects: [{ slug: 'my-project', name: 'My project', secrets }],
    identities: [
      { name: 'operator', universal: {}, access: { 'my-project': { role: 'member' } } },
      { name: 'operator-token', access: { 'my-project': { role: 'member' } } },
    ],
  };
}
