// The provider whose values stand in the store's manifest, for demonstrations and tests. It answers as ESO's does, also
// where that differs from other providers: a missing property is a missing secret, and a search converts keys itself.
// https://external-secrets.io/latest/provider/fake/

import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { propertyText } from '../../core/gjson/result.ts';
import { type Desk, inlineDesk } from '../../core/jobs.ts';
import { convertKeys } from '../../core/key-conversion.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { FakeSpec } from '../../crds/fake.ts';
import type { ConnectContext, Provider, ReadRequest, ReadResult } from '../contract.ts';

type FindRequest = Extract<ReadRequest, { readonly kind: 'find' }>;
type KeyedRequest = Exclude<ReadRequest, { readonly kind: 'find' }>;

interface Entry {
  readonly key: string;
  readonly version: string;
  readonly value: string;
}

/** By key and version run together, as ESO stores them: the later of two that read the same wins. */
type Entries = ReadonlyMap<string, Entry>;

const saysReady = 0;
const saysUnknown = 1;

export const fakeProvider: Provider<FakeSpec> = {
  capabilities: 'ReadWrite',
  async connect(spec, context) {
    const entries = entriesOf(spec);
    const verdict = spec.validationResult ?? saysReady;
    const check = () => {
      if (verdict === saysReady || verdict === saysUnknown) return;
      throw new OperatorError(
        'LoginRejected',
        `fake.validationResult is ${verdict}: the store refuses to be used; set it to 0`,
      );
    };
    return {
      phaseKey: `fake|${storeName(context)}`,
      origin: '',
      async read(requests, { desk = inlineDesk() }) {
        check();
        return await Promise.all(requests.map((request) => answer(entries, request, desk)));
      },
      async validate() {
        check();
        return verdict === saysUnknown ? 'unknown' : 'valid';
      },
    };
  },
  release() {},
};

function entriesOf(spec: FakeSpec): Entries {
  const entries = spec.data.map(({ key, value, version = '' }) => ({ key, value, version }));
  return new Map(entries.map((entry) => [entry.key + entry.version, entry]));
}

function storeName({ storeKind, storeName: name, storeNamespace }: ConnectContext): string {
  return `${storeKind}/${storeNamespace === undefined ? '' : `${storeNamespace}/`}${name}`;
}

async function answer(entries: Entries, request: ReadRequest, desk: Desk): Promise<ReadResult> {
  try {
    if (request.kind === 'find') return { values: await search(entries, request, desk) };
    const text = await textOf(entries, request, desk);
    if (request.kind === 'map') return { values: await members(text, request, desk) };
    return { values: new Map([[request.key, new SecretValue(text)]]) };
  } catch (error) {
    return { error: asOperatorError(error) };
  }
}

async function textOf(entries: Entries, { key, property, version = '' }: KeyedRequest, desk: Desk): Promise<string> {
  const entry = entries.get(key + version);
  if (entry === undefined || entry.version !== version) {
    const which = version === '' ? '' : `, version "${version}"`;
    throw new OperatorError('SecretNotFound', `the fake store has no key "${key}"${which}`);
  }
  if (!property) return entry.value;
  const found = await desk.run('property', { text: entry.value, path: property });
  if (found !== undefined) return propertyText(found);
  throw new OperatorError('SecretNotFound', `the value of "${key}" in the fake store has no property "${property}"`);
}

async function members(text: string, { key }: KeyedRequest, desk: Desk): Promise<Map<string, SecretValue>> {
  try {
    const found = await desk.run('members', { text });
    return new Map([...found].map(([name, value]) => [name, new SecretValue(value)]));
  } catch (error) {
    throw error instanceof OperatorError ? error.within(`"${key}" cannot be extracted`) : error;
  }
}

/** By name only; of several versions of a key the one that sorts last. Throws Unsupported, InvalidSpec, InvalidKey. */
async function search(entries: Entries, request: FindRequest, desk: Desk): Promise<Map<string, SecretValue>> {
  if (request.nameRegexp === undefined && (request.path !== undefined || request.tags !== undefined)) {
    throw new OperatorError('Unsupported', 'the fake store finds by name only: use find.name');
  }
  const keys = [...new Set(Array.from(entries.values(), ({ key }) => key))];
  const found = request.nameRegexp ? await desk.run('search', { pattern: request.nameRegexp, keys }) : keys;
  const wanted = new Set(found);
  const latest = new Map<string, Entry>();
  for (const entry of entries.values()) {
    if (!wanted.has(entry.key)) continue;
    const rival = latest.get(entry.key);
    if (rival === undefined || rival.version < entry.version) latest.set(entry.key, entry);
  }
  const values = [...latest].map(([key, { value }]) => [key, new SecretValue(value)] as const);
  return convertKeys(new Map(values), request.conversionStrategy);
}
