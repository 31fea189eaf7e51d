import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenRejected } from '../../auth/contract.ts';
import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import type { Reason } from '../../base/reasons.ts';
import { plainJson } from '../../core/esc/export.ts';
import { objectValue, textValue } from '../../core/esc/value.ts';
import type { ClusterSources } from '../contract.ts';
import { type Contents, clusterOf, openInline } from './esc.fixture.ts';
import type { EscProvider, OpenContext } from './open/contract.ts';
import { kubernetesConfigMaps, kubernetesSecrets } from './open/kubernetes.ts';

const { signal } = new AbortController();
const builtIn = { 'kubernetes-secrets': kubernetesSecrets, 'kubernetes-configmaps': kubernetesConfigMaps };

async function open(
  name: string,
  consumer: string | undefined,
  contents: Contents,
  providers: Readonly<Record<string, EscProvider>> = {},
) {
  const table = new Map(Object.entries({ ...builtIn, ...providers }));
  const ports = { cluster: clusterOf(contents), providers: table };
  try {
    const { value } = await openInline({ name, consumer, holder: 'store', notBeforeMs: 0 }, ports, signal);
    return {
      value: plainJson(value, { redact: false }),
      redacted: plainJson(value, { redact: true }),
      looks: ports.cluster.read,
    };
  } catch (thrown) {
    const { reason, message } = asOperatorError(thrown);
    return { reason, message, looks: ports.cluster.read };
  }
}

const sharedWithShop = { sharedWith: { namespaces: ['shop'] } };

describe('what an Environment may be made of', () => {
  it('is read by bare name in its own namespace, and by full name where it is shared', async () => {
    const contents = {
      environments: {
        'shop/app': { imports: ['base', 'infra/base'], values: { own: '${imports.base.at}', all: '${at}' } },
        'shop/base': { values: { at: 'shop' } },
        'infra/base': { values: { at: 'infra' }, ...sharedWithShop },
        'base/base': { values: { at: 'nowhere' } },
      },
    };
    expect(await open('shop/app', 'shop', contents)).toMatchObject({
      value: { own: 'shop', all: 'infra', at: 'infra' },
    });
  });

  it('means the namespace of the document that holds a bare import, not that of the one who opens', async () => {
    const contents = {
      environments: {
        'shop/app': { imports: ['infra/shared'] },
        'shop/inner': { values: { at: 'shop' } },
        'infra/shared': { imports: ['inner'], ...sharedWithShop },
        'infra/inner': { values: { at: 'infra' } },
      },
    };
    expect(await open('shop/app', 'shop', contents)).toMatchObject({ value: { at: 'infra' } });
  });

  const secretOfInfra = { values: { key: 'CANARY' } };
  const tagged = { ...secretOfInfra, tags: { stable: 1 } };
  const revisions = { 'infra/x@1': secretOfInfra };
  const paths: readonly [why: string, environments: Contents['environments'], root?: string][] = [
    ['an import', { 'shop/app': { imports: ['infra/x'] } }],
    [
      'an import that is not merged',
      { 'shop/app': { imports: [{ 'infra/x': { merge: false } }], values: { a: '${imports["infra/x"].key}' } } },
    ],
    ['a reference', { 'shop/app': { values: { a: '${environments.infra.x.key}' } } }],
    ['a reference in quotes', { 'shop/app': { values: { a: '${environments["infra"]["x"].key}' } } }],
    [
      'a reference inside a text, below a list',
      { 'shop/app': { values: { a: [{ b: 'see ${environments.infra.x.key}' }] } } },
    ],
    ['a reference as an argument', { 'shop/app': { values: { a: { 'fn::toJSON': '${environments.infra.x}' } } } }],
    ['an import of an import', { 'shop/app': { imports: ['base'] }, 'shop/base': { imports: ['infra/x'] } }],
    [
      'a reference in an import',
      { 'shop/app': { imports: ['base'] }, 'shop/base': { values: { a: '${environments.infra.x.key}' } } },
    ],
    ['a store', {}, 'infra/x'],
    [
      'a shared Environment and a second path, the legitimate one first',
      { 'shop/app': { imports: ['infra/shared', 'infra/x'] }, 'infra/shared': { imports: ['x'], ...sharedWithShop } },
    ],
    [
      'a second path that shows only when the first has been loaded',
      {
        'shop/app': { imports: ['infra/shared', 'one'] },
        'infra/shared': { imports: ['x'], ...sharedWithShop },
        'shop/one': { imports: ['two'] },
        'shop/two': { values: { a: '${environments.infra.x.key}' } },
      },
    ],
    ['an import of a revision', { 'shop/app': { imports: ['infra/x@1'] } }],
    ['an import by a tag', { 'shop/app': { imports: ['infra/x@stable'] } }],
    ['an import of what is latest', { 'shop/app': { imports: ['infra/x@latest'] } }],
    ['a reference to a revision', { 'shop/app': { values: { a: '${environments.infra["x@1"].key}' } } }],
    ['a store of a revision', {}, 'infra/x@1'],
    [
      'an Environment of a third namespace, which itself is shared',
      { 'shop/app': { imports: ['third/y'] }, 'third/y': { imports: ['infra/x'], ...sharedWithShop } },
    ],
  ];

  it.each(paths)(
    'is refused by %s when it is not shared, in the words for what is missing',
    async (_, environments, root = 'shop/app') => {
      const there = await open(root, 'shop', { environments: { ...environments, 'infra/x': tagged }, revisions });
      const missing = await open(root, 'shop', { environments });
      const broken = await open(root, 'shop', { environments: { ...environments, 'infra/x': { imports: 'CANARY' } } });
      const oddly = {
        ...secretOfInfra,
        sharedWith: { namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'CANARY' }] } },
      };
      const selector = await open(root, 'shop', { environments: { ...environments, 'infra/x': oddly } });
      expect(there.message).toMatch(/"infra\/x(@\w+)?" does not exist, or is not shared with namespace "(shop|third)"/);
      expect(there.message).not.toContain('CANARY');
      for (const other of [missing, broken, selector])
        expect([other.reason, other.message]).toEqual([there.reason, there.message]);
    },
  );

  it('is served by every path once each namespace that names it may use it', async () => {
    for (const [, environments, root = 'shop/app'] of paths) {
      const shared = { ...tagged, sharedWith: { namespaces: ['shop', 'third'] } };
      const contents = { environments: { ...environments, 'infra/x': shared }, revisions };
      expect(await open(root, 'shop', contents)).toHaveProperty('value');
    }
  });

  it('does not ask for what no document names', async () => {
    const environments = { 'shop/app': { values: { a: '$${environments.infra.x.key}' } }, 'infra/x': secretOfInfra };
    const { value, looks } = await open('shop/app', 'shop', { environments });
    expect(value).toEqual({ a: '${environments.infra.x.key}' });
    expect(looks).toEqual(['shop/app']);
  });

  it('is shared by labels, which must be there', async () => {
    const sharedWith = { namespaceSelector: { matchExpressions: [{ key: 'closed', operator: 'DoesNotExist' }] } };
    const environments = { 'infra/x': { values: { a: 1 }, sharedWith } };
    expect(await open('infra/x', 'shop', { environments, labels: { shop: {} } })).toMatchObject({ value: { a: 1 } });
    for (const labels of [{}, { shop: { closed: '' } }])
      expect(await open('infra/x', 'shop', { environments, labels })).toMatchObject({ reason: 'ReferenceNotFound' });
  });

  it.each(['a/b/c', '../x', 'Infra/x', 'infra/x@', 'infra/x@1@2', '/x', 'x/', 'infra/..'])(
    'never takes %j for a name',
    async (written) => {
      const { reason, looks } = await open('shop/app', 'shop', {
        environments: { 'shop/app': { imports: [written] } },
      });
      expect([reason, looks]).toEqual(['InvalidSpec', ['shop/app']]);
    },
  );

  it('names a cycle', async () => {
    const environments = {
      'infra/b': { imports: ['shop/app'], ...sharedWithShop },
      'shop/app': { imports: ['infra/b'], sharedWith: { namespaces: ['infra'] } },
    };
    expect((await open('shop/app', 'shop', { environments })).message).toContain('cyclic import of shop/app');
  });

  it('gives nobody a value of a namespace that shares nothing, however documents name one another', async () => {
    const names = ['shop/a', 'shop/b', 'infra/a', 'infra/b', 'third/a'] as const;
    const name = fc.constantFrom(...names);
    const document = fc.record({
      imports: fc.uniqueArray(fc.oneof(name, fc.constantFrom('a', 'b')), { maxLength: 3 }),
      refers: fc.array(name, { maxLength: 2 }),
      shares: fc.subarray(['shop', 'third']),
    });
    await fc.assert(
      fc.asyncProperty(fc.tuple(document, document, document, document, document), async (documents) => {
        const environments: Record<string, object> = {};
        for (const [at, each] of names.entries()) {
          const { imports = [], refers = [], shares = [] } = documents[at] ?? {};
          const [namespace = '', own = ''] = each.split('/');
          const values = Object.fromEntries(
            refers.map((other, i) => [`r${i}`, `\${environments.${other.replace('/', '.')}}`]),
          );
          environments[each] = {
            imports,
            values: { ...values, [`mark-${namespace}-${own}`]: `MARK-${namespace}` },
            sharedWith: { namespaces: namespace === 'infra' ? [] : shares },
          };
        }
        const result = await open('shop/a', 'shop', { environments });
        expect(JSON.stringify(result)).not.toContain('MARK-infra');
      }),
      { numRuns: 300 },
    );
  });
});

describe('a version', () => {
  const values = (at: string) => ({ values: { at } });
  const contents = {
    environments: {
      'shop/app': { imports: ['base@stable'] },
      'shop/base': { ...values('now'), tags: { stable: 2, odd: 9 } },
    },
    revisions: { 'shop/base@1': values('one'), 'shop/base@2': values('two') },
  };

  it.each([
    ['shop/app', 'two'],
    ['shop/base', 'now'],
    ['shop/base@latest', 'now'],
    ['shop/base@1', 'one'],
    ['shop/base@stable', 'two'],
  ])('%s gives what it holds', async (name, at) => {
    expect(await open(name, 'shop', contents)).toMatchObject({ value: { at } });
  });

  it.each([
    ['shop/base@3', 'environment "shop/base" has no revision 3'],
    ['shop/base@odd', 'environment "shop/base" has no revision 9'],
    ['shop/base@new', 'environment "shop/base" has no tag "new"'],
    ['shop/nope@1', 'environment "shop/nope@1" does not exist'],
  ])('%s is missing in words that say what', async (name, message) => {
    expect(await open(name, 'shop', contents)).toMatchObject({ reason: 'ReferenceNotFound', message });
  });

  it('means its bare imports in its own namespace, and is refused what has been withdrawn since', async () => {
    const revisions = { 'infra/base@1': { imports: ['inner', 'third/x'] } };
    const environments = {
      'infra/base': sharedWithShop,
      'infra/inner': values('inner'),
      'third/x': { values: { key: 'CANARY' }, sharedWith: { namespaces: ['infra'] } },
    };
    expect(await open('infra/base@1', 'shop', { environments, revisions })).toMatchObject({
      value: { at: 'inner', key: 'CANARY' },
    });
    const withdrawn = { ...environments, 'third/x': { values: { key: 'CANARY' } } };
    const { message } = await open('infra/base@1', 'shop', { environments: withdrawn, revisions });
    expect(message).toContain('"third/x" does not exist, or is not shared with namespace "infra"');
  });

  it('is only what the Environment itself owns', async () => {
    const cluster = clusterOf(contents);
    const foreign: ClusterSources = {
      ...cluster,
      readRevision: async (name, signal) => ({
        ...((await cluster.readRevision(name, signal)) as object),
        metadata: { ...name, ownerReferences: [{ uid: 'of another life', controller: true }] },
      }),
    };
    const order = { name: 'shop/base@1', consumer: 'shop', holder: 'store', notBeforeMs: 0 };
    await expect(openInline(order, { cluster: foreign, providers: new Map() }, signal)).rejects.toThrow(
      'has no revision 1',
    );
  });
});

describe('openings', () => {
  const keyOf = (name: string, key?: string) => ({
    'fn::open::kubernetes-secrets': { get: { it: key === undefined ? { name } : { name, key } } },
  });

  it("read Secrets and ConfigMaps of the document's own namespace, also for those who import it", async () => {
    const contents = {
      environments: {
        'shop/app': { imports: ['infra/shared'], values: { mine: keyOf('db', 'password') } },
        'infra/shared': {
          values: {
            theirs: keyOf('db'),
            plain: { 'fn::open::kubernetes-configmaps': { get: { it: { name: 'map', key: 'a' } } } },
          },
          ...sharedWithShop,
        },
      },
      secrets: { 'shop/db': { password: 'of-shop' }, 'infra/db': { password: 'of-infra' } },
      configMaps: { 'infra/map': { a: 'text' } },
    };
    const { value, redacted } = await open('shop/app', 'shop', contents);
    expect(value).toEqual({ mine: { it: 'of-shop' }, theirs: { it: { password: 'of-infra' } }, plain: { it: 'text' } });
    expect(redacted).toEqual({ mine: { it: '[secret]' }, theirs: { it: '[secret]' }, plain: { it: 'text' } });
  });

  it.each<[why: string, values: object, reason: Reason, message: RegExp]>([
    ['a Secret that is not there', { a: keyOf('nope') }, 'ReferenceNotFound', /Secret "shop\/nope" does not exist/],
    ['a key that is not there', { a: keyOf('db', 'nope') }, 'InvalidCredential', /no key "nope"; it has password/],
    ['a namespace that is named', { a: keyOf('infra/db') }, 'ReferenceNotFound', /"shop\/infra\/db" does not exist/],
    ['a provider that is none', { a: { 'fn::open::nope': {} } }, 'InvalidSpec', /nope/],
    ['a reference to nothing', { a: '${nope}' }, 'InvalidSpec', /values\.a: unknown property "nope"/],
  ])('fail by %s', async (_, values, reason, message) => {
    const contents = { environments: { 'shop/app': { values } }, secrets: { 'shop/db': { password: 'CANARY' } } };
    const failed = await open('shop/app', 'shop', contents);
    expect(failed.reason).toBe(reason);
    expect(failed.message).toMatch(message);
    expect(failed.message).not.toContain('CANARY');
  });

  const calls: OpenContext[] = [];
  const scripted = (answer: () => ReturnType<EscProvider['open']>): EscProvider => ({
    inputs: true,
    outputs: true,
    open(_, context) {
      calls.push(context);
      return answer();
    },
  });

  it.each([
    [
      'entries of one call',
      { it: { 'fn::open::kubernetes-secrets': { get: { b: { name: 'slow' }, c: { name: 'quick' } } } } },
    ],
    [
      'calls',
      {
        b: { 'fn::open::kubernetes-secrets': { get: { x: { name: 'slow' } } } },
        c: { 'fn::open::kubernetes-secrets': { get: { x: { name: 'quick' } } } },
      },
    ],
  ])('that fail are told by the first of the %s, whichever fails first', async (_, values) => {
    const cluster = clusterOf({ environments: { 'shop/app': { values } } });
    const readData: typeof cluster.readData = async (_kind, { name }) => {
      for (let turn = 0; turn < (name === 'slow' ? 20 : 0); turn++) await Promise.resolve();
      return undefined;
    };
    const order = { name: 'shop/app', consumer: 'shop', holder: 'store', notBeforeMs: 0 };
    const providers = new Map([['kubernetes-secrets', kubernetesSecrets]]);
    const opening = openInline(order, { cluster: { ...cluster, readData }, providers }, signal);
    await expect(opening).rejects.toMatchObject({ message: expect.stringContaining('"shop/slow"') });
  });

  it.each<[thrown: Reason, reason: Reason]>([
    ['LoginRejected', 'LoginRejected'],
    ['UpstreamUnavailable', 'UpstreamUnavailable'],
    ['SecretNotFound', 'InvalidValue'],
  ])('that fail with %s fail the whole as %s, without the secrets among their inputs', async (thrown, reason) => {
    const provider = scripted(() => Promise.reject(new OperatorError(thrown, 'refused: CANARY-7')));
    const environments = { 'shop/app': { values: { a: { 'fn::open::it': { key: { 'fn::secret': 'CANARY-7' } } } } } };
    const failed = await open('shop/app', 'shop', { environments }, { it: provider });
    expect(failed).toMatchObject({ reason, message: 'environment "shop/app": values.a: it: refused: [secret]' });
  });

  it('are made once each, in the namespace of their document, one round after those that feed them', async () => {
    calls.length = 0;
    const environments = {
      'shop/app': {
        imports: ['infra/login'],
        values: { a: { 'fn::open::it': { by: '${token.v}' } }, b: '${token.v}', c: '${a.v}' },
      },
      'infra/login': { values: { token: { 'fn::open::it': {} } }, ...sharedWithShop },
    };
    const provider = scripted(async () => objectValue([['v', textValue('x')]]));
    expect(await open('shop/app', 'shop', { environments }, { it: provider })).toMatchObject({
      value: { b: 'x', c: 'x' },
    });
    expect(calls.map(({ namespace, holder }) => [namespace, holder])).toEqual([
      ['infra', 'store'],
      ['shop', 'store'],
    ]);
  });

  it('that are the same are made once, whichever document holds them, and those that differ at all are not', async () => {
    calls.length = 0;
    const same = { 'fn::open::it': { by: { 'fn::secret': 'x' } } };
    const environments = {
      'shop/app': {
        imports: ['infra/other', 'base'],
        values: { a: same, b: same, c: { 'fn::open::it': { by: 'x' } }, d: { 'fn::open::it': { by: ['x'] } } },
      },
      'shop/base': { values: { e: same } },
      'infra/other': { values: { f: same }, ...sharedWithShop },
    };
    let count = 0;
    const provider = scripted(async () => textValue(`${++count}`));
    const { value } = await open('shop/app', 'shop', { environments }, { it: provider });
    const { a, b, c, d, e, f } = Object(value);
    expect([b, e]).toEqual([a, a]);
    expect([new Set([a, c, d, f]).size, count]).toEqual([4, 4]);
    expect(calls.map(({ namespace }) => namespace).sort()).toEqual(['infra', 'shop', 'shop', 'shop']);
  });

  it('never mix two generations of what is rotated meanwhile, in a thousand openings', async () => {
    let generation = 0;
    let state = 7;
    const rotate = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      if (state % 2 === 0) generation++;
    };
    const parts = ['id', 'key', 'token'];
    const triple = scripted(async () => {
      rotate();
      const answer = objectValue(parts.map((part) => [part, textValue(`${part}-${generation}`)] as const));
      await Promise.resolve();
      rotate();
      return answer;
    });
    const call = { 'fn::open::it': {} };
    const environments = {
      'shop/login': { values: { login: call } },
      'shop/app': {
        imports: ['login'],
        values: {
          again: call,
          id: '${login.id}',
          key: '${again.key}',
          token: '${environments.shop.login.login.token}',
        },
      },
    };
    const seen = new Set<string>();
    for (let times = 0; times < 1_000; times++) {
      const { value } = await open('shop/app', 'shop', { environments }, { it: triple });
      const { id, key, token } = Object(value);
      const generations = [id, key, token].map((text) => String(text).split('-')[1]);
      expect(new Set(generations)).toEqual(new Set([generations[0]]));
      seen.add(String(generations[0]));
    }
    expect(seen.size).toBeGreaterThan(500);
  });

  it('are made anew, once, when a token that was opened had ended', async () => {
    const environments = { 'shop/app': { values: { a: { 'fn::open::it': {} } } } };
    let tries = 0;
    const ended = (times: number) =>
      scripted(async () => {
        if (++tries <= times) throw new TokenRejected('refused');
        return textValue('x');
      });
    expect(await open('shop/app', 'shop', { environments }, { it: ended(1) })).toMatchObject({ value: { a: 'x' } });
    tries = 0;
    expect(await open('shop/app', 'shop', { environments }, { it: ended(2) })).toMatchObject({
      reason: 'AccessDenied',
    });
  });
});

describe('a token that is refused', () => {
  it('is asked for anew once, and then told where it was used, without what it is', async () => {
    let opened = 0;
    const provider: EscProvider = {
      inputs: true,
      outputs: true,
      open() {
        opened++;
        return Promise.reject(new TokenRejected('the token canary-token was refused'));
      },
    };
    const call = { 'fn::open::odd': { token: { 'fn::secret': 'canary-token' } } };
    const cluster = clusterOf({ environments: { 'shop/app': { values: { read: call } } } });
    const order = { name: 'shop/app', consumer: 'shop', holder: 'store', notBeforeMs: 0 };
    await expect(openInline(order, { cluster, providers: new Map([['odd', provider]]) }, signal)).rejects.toMatchObject(
      {
        reason: 'AccessDenied',
        message: 'environment "shop/app": values.read: odd: the token [secret] was refused',
      },
    );
    expect(opened).toBe(2);
  });
});
