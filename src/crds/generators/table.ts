// The generators that are served, by kind: where they live in the API and what their spec holds. Generators of clouds are
// known by name only, and left to whoever serves them.
import type * as z from 'zod/mini';
import type { KindResource } from '../object.ts';
import { compiled, type Parsed, parseObject, recordAt } from '../parse.ts';
import { clusterGeneratorSpec } from './cluster-generator.ts';
import { fakeGeneratorSpec } from './fake.ts';
import { mfaSpec } from './mfa.ts';
import { passwordSpec } from './password.ts';
import { sshKeySpec } from './ssh-key.ts';
import { uuidSpec } from './uuid.ts';
import { webhookSpec } from './webhook.ts';

export const generatorsGroup = 'generators.external-secrets.io';
export const generatorsVersion = 'v1alpha1';

const specs = {
  Fake: fakeGeneratorSpec,
  MFA: mfaSpec,
  Password: passwordSpec,
  SSHKey: sshKeySpec,
  UUID: uuidSpec,
  Webhook: webhookSpec,
} as const;

type Specs = typeof specs;
export type GeneratorKind = keyof Specs;

/** A generator as it is run: its kind and the spec of that kind. */
export type Generator = {
  readonly [K in GeneratorKind]: { readonly kind: K; readonly spec: z.output<Specs[K]> };
}[GeneratorKind];

function resourceOf(kind: string, namespaced = true): KindResource {
  return { group: generatorsGroup, version: generatorsVersion, plural: `${kind.toLowerCase()}s`, kind, namespaced };
}

/** All kinds that a `generatorRef` may name and that are served, each with what is said of it. */
export const generatorKinds = {
  Fake: {
    resource: resourceOf('Fake'),
    spec: specs.Fake,
    description: 'Gives the values that stand in it, for tests.',
  },
  MFA: { resource: resourceOf('MFA'), spec: specs.MFA, description: 'Gives a time-based one-time password.' },
  Password: { resource: resourceOf('Password'), spec: specs.Password, description: 'Gives random passwords.' },
  SSHKey: { resource: resourceOf('SSHKey'), spec: specs.SSHKey, description: 'Gives a new SSH key pair.' },
  UUID: { resource: resourceOf('UUID'), spec: specs.UUID, description: 'Gives a random UUID.' },
  Webhook: {
    resource: resourceOf('Webhook'),
    spec: specs.Webhook,
    description: 'Gives what an HTTP endpoint answers.',
  },
  ClusterGenerator: {
    resource: resourceOf('ClusterGenerator', false),
    spec: clusterGeneratorSpec,
    description: 'A generator that ExternalSecrets of every namespace may use.',
  },
} as const;

export type GeneratorRefKind = keyof typeof generatorKinds;

export function isServedGenerator(kind: string): kind is GeneratorRefKind {
  return Object.hasOwn(generatorKinds, kind);
}

const readers = {
  Fake: compiled(specs.Fake),
  MFA: compiled(specs.MFA),
  Password: compiled(specs.Password),
  SSHKey: compiled(specs.SSHKey),
  UUID: compiled(specs.UUID),
  Webhook: compiled(specs.Webhook),
} as const;
const clusterReader = compiled(clusterGeneratorSpec);

/** Member of a ClusterGenerator's `spec.generator` that goes with each kind. */
const specMembers: Readonly<Record<GeneratorKind, string>> = {
  Fake: 'fakeSpec',
  MFA: 'mfaSpec',
  Password: 'passwordSpec',
  SSHKey: 'sshKeySpec',
  UUID: 'uuidSpec',
  Webhook: 'webhookSpec',
};

/** Reads a generator of the kind, or what a ClusterGenerator holds. */
export function parseGenerator(kind: GeneratorRefKind, raw: unknown): Parsed<Generator> {
  if (kind !== 'ClusterGenerator') return parsedSpec(kind, raw);
  const parsed = parseObject(raw, clusterReader);
  if (parsed.issues !== undefined) return parsed;
  const { kind: inner, generator } = parsed.ok.spec;
  const member = specMembers[inner];
  if (!Object.hasOwn(generator, member)) return { issues: [`spec.generator.${member}: is required for kind ${inner}`] };
  const metadata = recordAt(raw, 'metadata');
  return parsedSpec(inner, { metadata, spec: recordAt(recordAt(recordAt(raw, 'spec'), 'generator'), member) });
}

/** The class that a generator is meant for; '' when it names none. Works on objects that do not parse. */
export function generatorClass(raw: unknown): string {
  const spec = recordAt(raw, 'spec');
  const inner = recordAt(recordAt(spec, 'generator'), specMembers.Fake);
  const named = spec['controller'] ?? inner['controller'];
  return typeof named === 'string' ? named : '';
}

function parsedSpec(kind: GeneratorKind, raw: unknown): Parsed<Generator> {
  const parsed = parseObject(raw, readers[kind] as z.ZodMiniType<Generator['spec']>);
  if (parsed.issues !== undefined) return parsed;
  return { ok: { kind, spec: parsed.ok.spec } as Generator }; // read by the schema of the same kind
}
