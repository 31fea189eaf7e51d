// `1password-secrets`: fields of items, by secret references, from a 1Password Connect server. The published schema knows
// service accounts only; their API is closed and spoken by 1Password's own SDK alone, so `connectHost`, `connectToken` and
// `caBundle` of `login` are additions.
// https://developer.1password.com/docs/connect/api-reference/, https://developer.1password.com/docs/cli/secret-reference-syntax/

import * as z from 'zod/mini';
import { OperatorError } from '../../../base/operator-error.ts';
import { readAll } from '../../../base/read-all.ts';
import { type EscValue, objectValue, textValue } from '../../../core/esc/value.ts';
import type { Upstream, UpstreamDoor } from '../../../http/contract.ts';
import { digestOf } from '../../shared/digest.ts';
import { sizeOfJson } from '../../shared/kept-size.ts';
import { type Outcome, outcomeOf, valueIn } from '../../shared/outcome.ts';
import { Pauses } from '../../shared/pauses.ts';
import { memoryOf, Snapshots } from '../../shared/snapshots.ts';
import { anySite, type EscProvider, type HostPorts, type OpenContext } from './contract.ts';
import { caPemOf, member, textOf } from './inputs.ts';
import { apiRoot, callJson, failure, type JsonCall } from './rest.ts';

const string = { type: 'string', minLength: 1 } as const;

/** How long an answer is there for those who open in the same wave. */
const keepMs = 60_000;

/** What openings share. */
interface Shared {
  readonly answers: Snapshots<Outcome<unknown>>;
  readonly pauses: Pauses;
}

export function onePasswordSecrets(ports: HostPorts): EscProvider {
  const { account, door, clock, checkSite = anySite, shares } = ports;
  const answers = new Snapshots<Outcome<unknown>>({ clock, keepMs, memory: memoryOf(account, sizeOfJson), shares });
  const shared: Shared = { answers, pauses: new Pauses({ clock }) };
  return {
    inputs: {
      type: 'object',
      properties: {
        login: {
          type: 'object',
          properties: { serviceAccountToken: string, connectHost: string, connectToken: string, caBundle: string },
        },
        get: {
          type: 'object',
          additionalProperties: { type: 'object', properties: { ref: string }, required: ['ref'] },
          minProperties: 1,
        },
      },
      required: ['get', 'login'],
    },
    outputs: { type: 'object', additionalProperties: { type: 'string' } },
    secret: true,
    async open(inputs, context, signal) {
      const wanted = [...member(inputs, 'get').members].map(([name, entry]) => ({
        name,
        ...parseReference(textOf(entry, 'ref') ?? '', name),
      }));
      const server = serverOf(member(inputs, 'login'), door, context);
      await checkSite(context.namespace, new URL(new URL(server.root).origin), signal);
      const items = new Items(server, shared, signal);
      const read = async (each: (typeof wanted)[number]) =>
        [each.name, textValue(await items.read(each), { secret: true })] as const;
      return objectValue(await readAll(wanted.map(read)));
    },
  };
}

interface Server {
  readonly upstream: Upstream;
  readonly root: string;
  readonly token: string;
  /** The identity: host, CA and token. */
  readonly group: string;
  readonly turn: string;
  readonly notBeforeMs: number;
}

function serverOf(login: EscValue, door: UpstreamDoor, { namespace, notBeforeMs }: OpenContext): Server {
  const host = textOf(login, 'connectHost');
  const token = textOf(login, 'connectToken');
  if (host === undefined || token === undefined) {
    const wayOut =
      'run a 1Password Connect server, and give login.connectHost (its address) and login.connectToken (a token of it)';
    if (textOf(login, 'serviceAccountToken') === undefined) throw new OperatorError('InvalidSpec', wayOut);
    throw new OperatorError(
      'Unsupported',
      `login.serviceAccountToken is served by 1Password's own closed SDK only: ${wayOut}`,
    );
  }
  const root = apiRoot(host, 'login.connectHost');
  const caPem = caPemOf(login, 'login');
  const upstream = door.open(caPem === undefined ? {} : { caPem });
  const group = digestOf('1password', root, token.trim(), caPem ?? '');
  return { upstream, root, token: token.trim(), group, turn: namespace, notBeforeMs };
}

interface Reference {
  readonly vault: string;
  readonly item: string;
  readonly section: string | undefined;
  readonly field: string;
  readonly attribute: 'value' | 'totp';
}

/** A secret reference: `op://vault/item/[section/]field`, perhaps `?attribute=otp`. Throws InvalidSpec, Unsupported. */
function parseReference(text: string, name: string): Reference {
  const [path = '', query] = text.trim().split('?', 2);
  const parts = path.startsWith('op://') ? path.slice('op://'.length).split('/') : [];
  const [vault, item, ...rest] = parts;
  const field = rest.at(-1);
  const isWhole = parts.length <= 4 && parts.every((part) => part.trim() !== '');
  if (vault === undefined || item === undefined || field === undefined || !isWhole) {
    throw new OperatorError(
      'InvalidSpec',
      `${name}: ref is no reference: write op://vault/item/field, or with a section`,
    );
  }
  const section = rest.length === 2 ? rest[0] : undefined;
  if (query === undefined) return { vault, item, section, field, attribute: 'value' };
  if (query === 'attribute=otp' || query === 'attribute=totp')
    return { vault, item, section, field, attribute: 'totp' };
  throw new OperatorError('Unsupported', `${name}: of the attributes of a reference only attribute=otp is served`);
}

const namedSchema = z.array(z.object({ id: z.string(), name: z.optional(z.string()), title: z.optional(z.string()) }));
const itemSchema = z.object({
  sections: z.optional(z.array(z.object({ id: z.optional(z.string()), label: z.optional(z.string()) }))),
  fields: z.optional(
    z.array(
      z.object({
        id: z.optional(z.string()),
        label: z.optional(z.string()),
        value: z.optional(z.string()),
        totp: z.optional(z.string()),
        section: z.optional(z.object({ id: z.optional(z.string()) })),
      }),
    ),
  ),
});
type Item = z.infer<typeof itemSchema>;

/** Ids of vaults and items. */
const idPattern = /^[a-z0-9]{26}$/;

const refused = { 401: ['AccessDenied', 'the token is refused: it is wrong, has ended or was revoked'] } as const;
const mostNamed = 10;

/** The items of one opening, each asked for once; who opens in the same wave with the same token gets the same answer. */
class Items {
  readonly #server: Server;
  readonly #shared: Shared;
  readonly #signal: AbortSignal;
  readonly #asked = new Map<string, Promise<unknown>>();

  constructor(server: Server, shared: Shared, signal: AbortSignal) {
    this.#server = server;
    this.#shared = shared;
    this.#signal = signal;
  }

  /** Throws ScopeNotFound (vault), SecretNotFound (item, field), AccessDenied, InvalidSpec for a name that several bear. */
  async read(reference: Reference & { readonly name: string }): Promise<string> {
    const { vault, item, name } = reference;
    try {
      const vaultId = idPattern.test(vault) ? vault : await this.#vaultId(vault);
      const itemId = idPattern.test(item) ? item : await this.#itemId(vaultId, reference);
      return fieldOf(await this.#item(vaultId, itemId, reference), reference);
    } catch (thrown) {
      throw thrown instanceof OperatorError ? thrown.within(name) : thrown;
    }
  }

  async #vaultId(vault: string): Promise<string> {
    const call = this.#call('list vaults', '/v1/vaults', { ...refused, 403: ['AccessDenied', 'the token may not'] });
    const vaults = parsed(namedSchema, await this.#once(call), call);
    const problem = `there is no vault ${JSON.stringify(vault)}, or the token has no access to it`;
    return theOne(vaults, vault, () => failure('ScopeNotFound', call, problem)).id;
  }

  async #itemId(vaultId: string, { vault, item }: Reference): Promise<string> {
    const call = this.#call(`list items of vault ${JSON.stringify(vault)}`, `/v1/vaults/${vaultId}/items`, {
      ...refused,
      403: ['AccessDenied', 'the token has no access to the vault'],
      404: ['ScopeNotFound', 'there is no such vault'],
    });
    // A quote would end the filter; such a title is looked for among all.
    if (!/["\\]/.test(item)) call.url.searchParams.set('filter', `title eq "${item}"`);
    const items = parsed(namedSchema, await this.#once(call), call);
    const problem = `the vault has no item ${JSON.stringify(item)}`;
    return theOne(items, item, () => failure('SecretNotFound', call, problem)).id;
  }

  async #item(vaultId: string, itemId: string, { vault, item }: Reference): Promise<Item> {
    const place = `item ${JSON.stringify(item)} of vault ${JSON.stringify(vault)}`;
    const call = this.#call(`read ${place}`, `/v1/vaults/${vaultId}/items/${itemId}`, {
      ...refused,
      403: ['AccessDenied', 'the token has no access to the vault'],
      404: ['SecretNotFound', 'there is no such item'],
    });
    return parsed(itemSchema, await this.#once(call), call);
  }

  #call(operation: string, path: string, meanings: JsonCall['meanings']): JsonCall {
    const { root, token, group, turn } = this.#server;
    const headers = { authorization: `Bearer ${token}` };
    return { operation, method: 'GET', url: new URL(`${root}${path}`), headers, meanings, group, turn };
  }

  #once(call: JsonCall): Promise<unknown> {
    const asked = this.#asked.get(call.url.href) ?? this.#ask(call);
    this.#asked.set(call.url.href, asked);
    return asked;
  }

  async #ask(call: JsonCall): Promise<unknown> {
    const { group, notBeforeMs, turn: holder, upstream } = this.#server;
    const { answers, pauses } = this.#shared;
    const fetch = async (_: unknown, waiting: AbortSignal) => ({
      value: await outcomeOf(() => pauses.around(group, () => callJson(upstream, call, waiting))),
    });
    const key = digestOf(group, call.operation, call.url.href);
    return valueIn(await answers.get({ key, origin: group, holder, notBeforeMs, fetch }, this.#signal));
  }
}

function parsed<T>(schema: z.ZodMiniType<T>, json: unknown, call: JsonCall): T {
  const { data, success } = schema.safeParse(json);
  if (success) return data;
  throw failure('UpstreamInvalid', call, 'the answer is none of a 1Password Connect server: check login.connectHost');
}

interface Named {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly title?: string | undefined;
  readonly label?: string | undefined;
}

/** References tell no upper from lower case; a name that is written so wins. */
function called<T extends Named>(all: readonly T[], name: string): readonly T[] {
  const namesOf = ({ id, name: own, title, label }: Named) => [id, own, title, label];
  const exact = all.filter((each) => namesOf(each).includes(name));
  if (exact.length > 0) return exact;
  const lower = name.toLowerCase();
  return all.filter((each) => namesOf(each).some((own) => own?.toLowerCase() === lower));
}

function theOne<T extends Named>(all: readonly T[], name: string, absent: () => OperatorError): T {
  const [first, ...others] = called(all, name);
  if (first === undefined) throw absent();
  if (others.length === 0) return first;
  throw new OperatorError(
    'InvalidSpec',
    `${others.length + 1} are called ${JSON.stringify(name)}: write the id of the one that is meant in ref`,
  );
}

function fieldOf(item: Item, { item: title, section, field, attribute }: Reference): string {
  const fields = item.fields ?? [];
  const sections = section === undefined ? undefined : called(item.sections ?? [], section).map(({ id }) => id);
  const inSection = sections === undefined ? fields : fields.filter((each) => sections.includes(each.section?.id));
  const named = called(inSection, field);
  const outside = named.filter((each) => each.section?.id === undefined);
  const candidates = section === undefined && outside.length > 0 ? outside : named;
  const found = theOne(candidates, field, () => {
    const names = [...new Set(inSection.map(({ id, label }) => label || id || ''))].sort();
    const more = names.length > mostNamed ? ' …' : '';
    const has = names.length === 0 ? 'it has none' : `it has ${names.slice(0, mostNamed).join(', ')}${more}`;
    const where = section === undefined ? '' : ` in section ${JSON.stringify(section)}`;
    return new OperatorError(
      'SecretNotFound',
      `item ${JSON.stringify(title)} has no field ${JSON.stringify(field)}${where}; ${has}`,
    );
  });
  const text = found[attribute];
  if (text !== undefined) return text;
  // The server leaves an empty value out.
  if (attribute === 'value') return '';
  throw new OperatorError('SecretNotFound', `field ${JSON.stringify(field)} is no one-time password`);
}
