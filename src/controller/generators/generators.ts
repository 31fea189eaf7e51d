// Runs the generators that ExternalSecrets name: finds the generator, tells whether it is ours to run, gathers what it
// needs, and lets core make the values. What an ExternalSecret looked at is followed, so that a repair there wakes it.

import type { Clock } from '../../base/clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { generateMfa } from '../../core/generators/mfa.ts';
import { generatePasswords } from '../../core/generators/password.ts';
import type { RandomBytes } from '../../core/generators/random.ts';
import { type KeyPairOrder, keyPairOrder, type PrivateJwk, sshKeyValues } from '../../core/generators/ssh-key.ts';
import { generateUuid } from '../../core/generators/uuid.ts';
import type { SendWebhook } from '../../core/generators/webhook.ts';
import type { Desk } from '../../core/jobs.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { GeneratorRead } from '../../core/selection.ts';
import { type ExternalSecretSpec, type GeneratorRef, generatorReferences } from '../../crds/external-secret.ts';
import {
  type Generator,
  type GeneratorKind,
  type GeneratorRefKind,
  generatorClass,
  generatorKinds,
  generatorsGroup,
  isServedGenerator,
  parseGenerator,
} from '../../crds/generators/table.ts';
import { configMapResource, secretResource } from '../../credentials/store-credentials.ts';
import {
  type ConfigMap,
  type KubeObject,
  keyOf,
  type ObjectName,
  type Resource,
  type Secret,
} from '../../kube/types.ts';
import type { WatchedObjects } from '../connect.ts';
import { Drafts } from './drafts.ts';
import { runWebhook } from './webhook.ts';

/** What values are drawn from. */
export interface GenerationPorts {
  readonly random: RandomBytes;
  readonly keyPair: (order: KeyPairOrder, signal: AbortSignal) => Promise<PrivateJwk>;
  readonly sendWebhook: SendWebhook;
}

interface Deps extends GenerationPorts {
  readonly objects: WatchedObjects;
  readonly controllerClass: string;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** The ExternalSecret for which something is generated. */
interface Consumer {
  readonly namespace: string;
  readonly name: string;
}

type Values = ReadonlyMap<string, SecretValue>;
type Make<K extends GeneratorKind> = (
  spec: Extract<Generator, { kind: K }>['spec'],
  deps: Deps,
  context: MakeContext,
) => Values | Promise<Values>;

/** One run of one ExternalSecret. */
export interface Generation {
  /** Where work is done whose size a manifest or an answer decides. */
  readonly desk: Desk;
  readonly signal: AbortSignal;
}

interface MakeContext extends Generation {
  readonly namespace: string;
  readonly secret: (name: string, key: string) => Promise<SecretValue>;
  readonly readSecret: (name: string) => Promise<Secret | undefined>;
  readonly readConfigMap: (name: string) => Promise<ConfigMap | undefined>;
}

const makers: { readonly [K in GeneratorKind]: Make<K> } = {
  Fake: ({ data = {} }) =>
    new Map(Object.entries(data).map(([key, text]) => [key, new SecretValue(Buffer.from(text))])),
  MFA: async (spec, { clock }, { secret }) =>
    generateMfa(spec, await secret(spec.secret.name, spec.secret.key), clock.nowMs()),
  Password: (spec, { random }) => generatePasswords(spec, random),
  async SSHKey(spec, { keyPair, random }, { signal }) {
    const order = keyPairOrder(spec);
    return sshKeyValues(order, await keyPair(order, signal), { comment: spec.comment, random });
  },
  UUID: (_, { random }) => generateUuid(random),
  Webhook(spec, { random, clock, sendWebhook: send }, { signal, ...context }) {
    const seed = Buffer.from(random(32)).toString('hex');
    return runWebhook(spec, { ...context, send, nowMs: clock.nowMs(), seed }, signal);
  },
};

const drawn: ReadonlySet<string> = new Set<GeneratorRefKind>([
  'Password',
  'SSHKey',
  'UUID',
  'Webhook',
  'ClusterGenerator',
]);

/** Whether the kind may give something else each time, whatever the time is. A ClusterGenerator may hold one that does. */
export function isDrawn({ kind }: Pick<GeneratorRef, 'kind'>): boolean {
  return drawn.has(kind);
}

export class Generators {
  readonly #deps: Deps;
  /** Which ExternalSecrets looked at an object. */
  readonly #lookers = new Map<string, Set<string>>();
  /** What each ExternalSecret looked at. */
  readonly #looked = new Map<string, Set<string>>();
  readonly #listeners: ((externalSecret: string) => void)[] = [];
  readonly #drafts = new Drafts();

  constructor(deps: Deps) {
    this.#deps = deps;
    deps.objects.subscribe((resource, name) => {
      for (const key of this.#lookers.get(objectKey(resource, name)) ?? []) {
        this.#drafts.drop(key);
        for (const listener of this.#listeners) listener(key);
      }
    });
  }

  /** `listener` hears of ExternalSecrets (`namespace/name`) that named an object which changed. */
  whenChanged(listener: (externalSecret: string) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Whether every generator of the spec is ours to run: not of a kind that is left to others, nor of another class. One that
   * is missing, or cannot be read, counts as ours, so that somebody says so.
   */
  async areOurs(spec: ExternalSecretSpec, consumer: Consumer, signal: AbortSignal): Promise<boolean> {
    const refs = generatorReferences(spec);
    if (refs.some(({ kind }) => !isServedGenerator(kind))) return false;
    for (const ref of refs) {
      const object = await this.#find(ref, consumer, signal).catch(() => undefined); // told by the read that follows
      const named = generatorClass(object);
      if (named !== '' && named !== this.#deps.controllerClass) return false;
    }
    return true;
  }

  /**
   * The values for an entry of the spec: new ones, unless a run before generated some and never heard whether they were
   * written. Values that time decides are always new. Throws as `generate`.
   */
  async generateOnce({ at, generator }: GeneratorRead, consumer: Consumer, generation: Generation): Promise<Values> {
    const make = () => this.generate(generator, consumer, generation);
    if (!isDrawn(generator)) return await make();
    return await this.#drafts.take(keyOf(consumer), `${at} ${JSON.stringify(generator)}`, make);
  }

  /** A run of the ExternalSecret (`namespace/name`) ended; `error` is undefined when it ended synced. */
  settle(externalSecret: string, error: OperatorError | undefined): void {
    this.#drafts.settle(externalSecret, error);
  }

  /** New values, by key. Throws ReferenceNotFound, InvalidSpec, InvalidValue, what reading an object and a call throw. */
  async generate(ref: GeneratorRef, consumer: Consumer, generation: Generation): Promise<Values> {
    const { signal } = generation;
    const object = await this.#find(ref, consumer, signal);
    const { kind, name } = ref;
    const where = kind === 'ClusterGenerator' ? '' : ` in namespace "${consumer.namespace}"`;
    if (object === undefined) throw new OperatorError('ReferenceNotFound', `${kind} "${name}" does not exist${where}`);
    if (!isServedGenerator(kind)) throw new OperatorError('Unsupported', `generators of kind ${kind} are not served`);
    const parsed = parseGenerator(kind, object);
    if (parsed.issues !== undefined)
      throw new OperatorError('InvalidSpec', `${kind} "${name}": ${parsed.issues.join('; ')}`);
    try {
      return await this.#make(parsed.ok, consumer, generation);
    } catch (thrown) {
      if (thrown instanceof OperatorError) throw thrown.within(`${kind} "${name}"`);
      throw thrown;
    }
  }

  /** The ExternalSecret (`namespace/name`) is gone, or names other generators from now on. */
  release(externalSecret: string): void {
    this.#drafts.drop(externalSecret);
    const looked = this.#looked.get(externalSecret);
    if (looked === undefined) return;
    for (const id of looked) {
      const lookers = this.#lookers.get(id);
      lookers?.delete(externalSecret);
      if (lookers?.size === 0) this.#lookers.delete(id);
    }
    this.#looked.delete(externalSecret);
    this.#deps.objects.release(holderOf(externalSecret));
  }

  #make({ kind, spec }: Generator, consumer: Consumer, generation: Generation): Values | Promise<Values> {
    const make = makers[kind] as Make<GeneratorKind>; // of the kind whose schema read the spec
    const { signal } = generation;
    const { namespace } = consumer;
    return make(spec, this.#deps, {
      ...generation,
      namespace,
      secret: (name, key) => this.#secret(name, key, consumer, signal),
      readSecret: (name) => this.#read(secretResource, { namespace, name }, consumer, signal),
      readConfigMap: (name) => this.#read(configMapResource, { namespace, name }, consumer, signal),
    });
  }

  async #find(ref: GeneratorRef, consumer: Consumer, signal: AbortSignal): Promise<KubeObject | undefined> {
    if (ref.apiVersion.split('/')[0] !== generatorsGroup)
      throw new OperatorError(
        'InvalidSpec',
        `apiVersion "${ref.apiVersion}" has no generators: write ${generatorsGroup}/v1alpha1`,
      );
    if (!isServedGenerator(ref.kind)) return undefined;
    const { resource } = generatorKinds[ref.kind];
    const name = resource.namespaced ? { namespace: consumer.namespace, name: ref.name } : { name: ref.name };
    return await this.#read(resource, name, consumer, signal);
  }

  async #secret(name: string, key: string, consumer: Consumer, signal: AbortSignal): Promise<SecretValue> {
    const { namespace } = consumer;
    const found = await this.#read<Secret>(secretResource, { namespace, name }, consumer, signal);
    const text = found?.data?.[key];
    if (text !== undefined) return new SecretValue(Buffer.from(text, 'base64'));
    const what = found === undefined ? 'does not exist' : `has no key "${key}"`;
    throw new OperatorError('ReferenceNotFound', `Secret "${name}" in namespace "${namespace}" ${what}`);
  }

  async #read<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    consumer: Consumer,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    const looker = keyOf(consumer);
    const id = objectKey(resource, name);
    this.#lookers.set(id, (this.#lookers.get(id) ?? new Set()).add(looker));
    this.#looked.set(looker, (this.#looked.get(looker) ?? new Set()).add(id));
    this.#deps.objects.hold(resource, name, holderOf(looker));
    return await this.#deps.objects.read<T>(resource, name, signal);
  }
}

function holderOf(externalSecret: string): string {
  return `ExternalSecret/${externalSecret}`;
}

function objectKey({ group, plural }: Resource, name: ObjectName): string {
  return `${group}/${plural}/${keyOf(name)}`;
}
