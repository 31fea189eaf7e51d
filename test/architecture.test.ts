// The rooms of `src/` as data: what each may import, where secret bytes may be laid open, and which globals stand in one
// file only. A line that breaks a rule fails here with its file; a rule or exception that nothing needs fails as well.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = dirname(import.meta.dirname);

interface Room {
  /** Rooms, or single files of a room, that may be imported for values and types. */
  readonly imports: readonly string[];
  /** Rooms, or single files of a room, of which only types may be imported. */
  readonly types?: readonly string[];
  readonly packages?: readonly string[];
  /** Node's own modules; absent allows all, for rooms that do I/O. */
  readonly node?: readonly string[];
}

const everyRoom = [
  'config.ts',
  'controller',
  'upstreams',
  'providers',
  'credentials',
  'auth',
  'kube',
  'http',
  'core',
  'crds',
  'runtime',
  'telemetry',
  'base',
  'version.ts',
];

/** From the top down: imports run down this list, never up. */
const rooms: Readonly<Record<string, Room>> = {
  'main.ts': { imports: [...everyRoom, 'cli', 'operator'] },
  operator: { imports: everyRoom, packages: ['p-retry'] },
  cli: { imports: everyRoom, packages: ['yaml', 'zod'] },
  'config.ts': {
    imports: [
      'config-cloud.ts',
      'config-flags.ts',
      'core/go-duration.ts',
      'core/host-entry.ts',
      'core/namespace-hosts.ts',
      'base/operator-error.ts',
    ],
    packages: ['zod'],
    node: [],
  },
  'config-cloud.ts': { imports: [], node: [] },
  'config-flags.ts': { imports: [], node: [] },
  controller: {
    // The port of a store's credentials is bound where the store is connected; the resource of Secrets is named beside it.
    imports: ['core', 'crds', 'kube', 'runtime', 'base', 'credentials/store-credentials.ts'],
    types: ['auth/contract.ts', 'providers/contract.ts', 'telemetry'],
    node: [],
  },
  upstreams: {
    // Which hosts a namespace may name is asked of the rules where the ways out are put together.
    imports: ['providers', 'auth', 'credentials', 'http', 'core/namespace-hosts.ts', 'base'],
    // A call of a generator is described where it is made up.
    types: ['core/generators/webhook.ts', 'runtime/memory-account.ts'],
    node: [],
  },
  providers: {
    imports: ['core', 'crds', 'http', 'base', 'auth/contract.ts'],
    types: ['runtime/memory-account.ts'],
    packages: ['zod'],
    node: ['crypto'],
  },
  credentials: {
    imports: ['core', 'crds', 'kube', 'http', 'base'],
    types: ['auth/contract.ts'],
    packages: ['zod'],
  },
  auth: { imports: ['core', 'crds', 'base'], packages: ['jose', 'zod'], node: ['crypto'] },
  kube: {
    imports: ['core', 'crds', 'base'],
    types: ['runtime'],
    packages: ['@kubernetes/client-node', 'yaml'],
  },
  http: { imports: ['core', 'base'], packages: ['got'] },
  core: { imports: ['crds', 'base'], packages: ['re2js', 'yaml'], node: ['crypto', 'util', 'zlib'] },
  crds: { imports: ['base'], packages: ['zod'], node: [] },
  runtime: { imports: ['base'], node: ['events', 'perf_hooks', 'v8', 'vm', 'worker_threads'] },
  // Errors of ours are told by their class.
  telemetry: { imports: ['base/operator-error.ts'], packages: ['pino'] },
  base: { imports: [], node: [] },
  'version.ts': { imports: [], node: [] },
};

/** Single imports beyond the table. */
const exceptions: readonly { readonly from: string; readonly to: string; readonly why: string }[] = [
  {
    from: 'controller/secret-store/reconcile.ts',
    to: 'credentials/references.ts',
    why: 'an open namespace is no failure of the store, and only the class of the error tells it from one',
  },
  {
    from: 'credentials/cloud/gcp-service-account.ts',
    to: 'auth/signing/rs256-jwt.ts',
    why: 'Google hands out tokens for a JWT that is signed with the key, by the signer that logins use',
  },
  {
    from: 'providers/esc/open/github.ts',
    to: 'auth/signing/rs256-jwt.ts',
    why: 'the proof of an app is a JWT like those of logins',
  },
  {
    from: 'providers/esc/open/aws-requests.ts',
    to: 'auth/signing/sigv4.ts',
    why: 'AWS wants every call signed, by the signer that logins use',
  },
];

/** Folders of a room that one file of it opens for the rest, and all that they may look at beyond themselves. */
const fences: Readonly<Record<string, { readonly door: string; readonly imports: readonly string[] }>> = {
  'kube/http1': {
    door: 'kube/transport.ts',
    imports: ['kube/access.ts', 'base/operator-error.ts', 'base/clock.ts', 'base/on-abort.ts'],
  },
};

/** Every part that is loaded when it is first needed: by which file, and when that is. */
const onDemand: readonly { readonly from: string; readonly to: string; readonly when: string }[] = [
  { from: 'main.ts', to: 'operator/run.ts', when: 'the operator runs, and no command for people' },
  { from: 'main.ts', to: 'operator/heavy-thread.ts', when: 'this is a thread for heavy work' },
  { from: 'main.ts', to: 'cli/crds.ts', when: 'CRDs are printed' },
  { from: 'main.ts', to: 'cli/env/command.ts', when: 'a person is at a desk' },
  { from: 'core/parts.ts', to: 'core/template-jobs.ts', when: 'the first template comes' },
  { from: 'core/parts.ts', to: 'core/rewrite.ts', when: 'the first rewrite comes' },
  { from: 'core/parts.ts', to: 'core/regexp.ts', when: 'keys or namespaces are searched' },
  { from: 'core/parts.ts', to: 'core/gjson/get.ts', when: 'the first property comes' },
  { from: 'core/parts.ts', to: 'core/esc/environment-jobs.ts', when: 'the first Environment is read' },
  { from: 'upstreams/open.ts', to: 'upstreams/pulumi.ts', when: 'a store or Environment reads Pulumi Cloud' },
  { from: 'upstreams/open.ts', to: 'upstreams/environments.ts', when: 'the first Environment comes' },
  { from: 'http/upstream.ts', to: 'got', when: 'the first request goes out' },
  { from: 'kube/config.ts', to: 'kube/kubeconfig.ts', when: 'a kubeconfig is read, not the account of a pod' },
  { from: 'kube/config.ts', to: 'kube/auth-plugin.ts', when: 'a kubeconfig logs in by a plugin' },
];

/** What an operator that has nothing to do must not hold in memory. */
const notAtStart = {
  files: [
    'cli/env',
    'core/esc/evaluate.ts',
    'core/gjson/get.ts',
    'core/regexp.ts',
    'core/template/functions',
    'core/template/template.ts',
    'providers/esc',
    'providers/pulumi/api.ts',
  ],
  packages: ['@kubernetes/client-node', 'got', 're2js', 'yaml'],
};

interface Import {
  /** Paths below `src/`. */
  readonly from: string;
  readonly to: string;
  readonly isTypeOnly: boolean;
}

const isTest = (file: string) => /\.(test|fixture)\.ts$/.test(file);
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts') && !isTest(file))
  .sort();
const textOf = new Map(sources.map((file) => [file, readFileSync(join(root, 'src', file), 'utf8')]));

const staticImport = /^(?:import|export)\s+(type\s+)?(?:([\w*{][^;'"]*?)\s+from\s+)?'([^']+)'/gm;
const dynamicImport = /\bimport\s*\(\s*'([^']+)'/g;

interface Imported {
  readonly specifier: string;
  readonly isTypeOnly: boolean;
  /** Loaded when the line that holds it runs. */
  readonly isDynamic: boolean;
}

function importsOf(file: string): Imported[] {
  const text = textOf.get(file) ?? '';
  const found = [...text.matchAll(staticImport)].map(([, type, clause = '', specifier = '']) => ({
    specifier,
    isTypeOnly: type !== undefined || namesTypesOnly(clause),
    isDynamic: false,
  }));
  const dynamic = [...text.matchAll(dynamicImport)].map(([, specifier = '']) => ({
    specifier,
    isTypeOnly: false,
    isDynamic: true,
  }));
  return [...found, ...dynamic];
}

/** `{ type A, type B }`: erased like `import type`. */
function namesTypesOnly(clause: string): boolean {
  const names = /^\{([^}]*)\}$/.exec(clause)?.[1];
  if (names === undefined) return false;
  const each = names.split(',').map((name) => name.trim());
  return each.filter((name) => name !== '').every((name) => name.startsWith('type '));
}

/** A path below `src/`, or the name of a package. */
const targetOf = (from: string, specifier: string) =>
  specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : specifier;

const ownImports: readonly Import[] = sources.flatMap((from) =>
  importsOf(from)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier, isTypeOnly }) => ({ from, to: targetOf(from, specifier), isTypeOnly })),
);

/** The folder below `src/`, or the file itself where it lies at the top. */
const roomOf = (file: string) => file.split('/')[0] ?? file;

function isIn(file: string, places: readonly string[] = []): boolean {
  return places.some((place) => place === file || file.startsWith(`${place}/`));
}

function isAllowed({ from, to, isTypeOnly }: Import): boolean {
  const room = rooms[roomOf(from)];
  if (roomOf(from) === roomOf(to) || (from === 'version.ts' && to === '../package.json')) return true;
  if (isIn(to, room?.imports) || (isTypeOnly && isIn(to, room?.types))) return true;
  return exceptions.some((exception) => exception.from === from && exception.to === to);
}

describe('rooms', () => {
  it('are all in the table', () => {
    expect([...new Set(sources.map(roomOf))].filter((room) => !Object.hasOwn(rooms, room))).toEqual([]);
  });

  it('import what the table allows', () => {
    const broken = ownImports.filter((each) => !isAllowed(each));
    expect(broken.map(({ from, to, isTypeOnly }) => `${from} imports ${isTypeOnly ? 'types of ' : ''}${to}`)).toEqual(
      [],
    );
  });

  it('know Pulumi only where a provider is put in its place', () => {
    const own = ['providers/pulumi', 'auth/pulumi', 'crds/pulumi.ts'];
    const inward = ownImports.filter(({ from, to }) => isIn(to, own) && !isIn(from, own));
    expect([...new Set(inward.map(({ from }) => from))].sort()).toEqual([
      'crds/secret-store.ts',
      'providers/esc/open/pulumi.ts',
      'providers/esc/open/table.ts',
      'upstreams/open.ts',
      'upstreams/pulumi.ts',
    ]);
    // Nobody else asks which provider it holds; core/ knows the language, which is Pulumi's, and people at a desk name
    // where an environment lies; a default of a published schema is what it is.
    const naming = sources.filter(
      (file) => /['"`]pulumi\b/i.test(textOf.get(file) ?? '') && !isIn(file, [...own, 'core']),
    );
    expect(naming).toEqual([
      'cli/env/open.ts',
      'cli/env/subject.ts',
      'crds/samples.ts',
      'providers/esc/open/pulumi.ts',
      'providers/esc/open/table.ts',
      'providers/esc/open/vault-principals.ts',
      'upstreams/open.ts',
    ]);
  });

  it.each(Object.entries(fences))('keep %s behind its door', (folder, { door, imports }) => {
    const crossing = ownImports.filter(({ from, to }) => isIn(from, [folder]) !== isIn(to, [folder]));
    const outward = crossing.filter(({ from }) => isIn(from, [folder]));
    const inward = crossing.filter(({ to }) => isIn(to, [folder]));
    expect(outward.filter(({ to }) => !imports.includes(to))).toEqual([]);
    expect([...new Set(inward.map(({ from }) => from))]).toEqual([door]);
    expect(imports.filter((place) => !outward.some(({ to }) => to === place))).toEqual([]);
    const packages = sources.filter((file) => isIn(file, [folder])).flatMap(importsOf);
    expect(packages.filter(({ specifier }) => !/^(\.|node:)/.test(specifier))).toEqual([]);
  });

  it('of controllers share the kit and what stands beside it, and nothing with one another', () => {
    const folderOf = (file: string) => /^controller\/[^/]+(?=\/)/.exec(file)?.[0];
    const controllers = sources.filter((file) => file.endsWith('/open.ts')).map(folderOf);
    const isOneOfThem = (file: string) => controllers.includes(folderOf(file)) && folderOf(file) !== undefined;
    const crossing = ownImports.filter(
      ({ from, to }) => isOneOfThem(from) && isOneOfThem(to) && folderOf(from) !== folderOf(to),
    );
    expect(crossing).toEqual([]);
    const opened = ownImports.filter(
      ({ from, to, isTypeOnly }) => !isOneOfThem(from) && isOneOfThem(to) && !isTypeOnly,
    );
    expect(opened.filter(({ to }) => !to.endsWith('/open.ts'))).toEqual([]);
    expect(controllers.filter((folder) => folder !== undefined).length).toBeGreaterThanOrEqual(3);
  });

  it('import the packages that the table allows', () => {
    const broken = sources.flatMap((from) =>
      importsOf(from)
        .map(({ specifier }) => specifier)
        .filter((specifier) => !specifier.startsWith('.') && !mayImportPackage(roomOf(from), specifier))
        .map((specifier) => `${from} imports ${specifier}`),
    );
    expect(broken).toEqual([]);
  });

  it('import nothing that belongs to tests', () => {
    const broken = ownImports.filter(({ to }) => isTest(to) || (to.startsWith('../') && to !== '../package.json'));
    expect(broken).toEqual([]);
  });

  it('form no circle', () => {
    const below = new Map(Object.keys(rooms).map((room) => [room, new Set<string>()]));
    for (const { from, to } of ownImports) {
      if (roomOf(from) !== roomOf(to) && Object.hasOwn(rooms, roomOf(to))) below.get(roomOf(from))?.add(roomOf(to));
    }
    // Rooms that import nothing that is left are taken away until none is: what stays leans on itself.
    for (let removed = true; removed; ) {
      removed = false;
      for (const [room, others] of below) {
        if ([...others].some((other) => below.has(other))) continue;
        below.delete(room);
        removed = true;
      }
    }
    expect([...below.keys()]).toEqual([]);
  });

  it('need every exception', () => {
    const unused = exceptions.filter(
      ({ from, to }) => !ownImports.some((each) => each.from === from && each.to === to),
    );
    expect(unused).toEqual([]);
  });

  it('are read by a parser that sees every import', () => {
    // A statement in a form that the expressions above do not know would go unchecked.
    const missed = sources.filter((file) => {
      const statements = textOf.get(file)?.match(/^import\b|^export\b[^=;(]*?\bfrom '|\bimport\(/gm) ?? [];
      return statements.length !== importsOf(file).length;
    });
    expect(missed).toEqual([]);
    expect(ownImports.length).toBeGreaterThan(100);
  });
});

describe('what is loaded on demand', () => {
  it('is listed, with who loads it and when', () => {
    const found = sources.flatMap((from) =>
      importsOf(from)
        .filter(({ isDynamic }) => isDynamic)
        .map(({ specifier }) => `${from} loads ${targetOf(from, specifier)}`),
    );
    // The same part may be loaded in several places of a file.
    expect([...new Set(found)].sort()).toEqual(onDemand.map(({ from, to }) => `${from} loads ${to}`).sort());
  });

  const isPartOf = (name: string, wholes: readonly string[]) =>
    wholes.some((whole) => name === whole || name.startsWith(`${whole}/`));

  it.each([
    ['a start', ['main.ts', 'operator/run.ts']],
    ['a thread for heavy work', ['main.ts', 'operator/heavy-thread.ts']],
  ])('is not evaluated by %s', (_, entries) => {
    const evaluated = new Set(entries);
    for (const from of evaluated) {
      for (const { specifier, isTypeOnly, isDynamic } of importsOf(from))
        if (!isTypeOnly && !isDynamic) evaluated.add(targetOf(from, specifier));
    }
    const early = [...evaluated].filter((name) => isPartOf(name, [...notAtStart.files, ...notAtStart.packages]));
    expect(early).toEqual([]);
    expect(evaluated.size).toBeGreaterThan(30);
    const all = [...sources, ...sources.flatMap((from) => importsOf(from).map(({ specifier }) => specifier))];
    const unknown = [...notAtStart.files, ...notAtStart.packages].filter(
      (whole) => !all.some((name) => isPartOf(name, [whole])),
    );
    expect(unknown).toEqual([]);
  });
});

function mayImportPackage(room: string, specifier: string): boolean {
  const { node, packages = [] }: Partial<Room> = rooms[room] ?? { node: [] };
  if (specifier.startsWith('node:')) return node === undefined || node.includes(specifier.slice('node:'.length));
  return packages.some((name) => specifier === name || specifier.startsWith(`${name}/`));
}

/** Lines of code: comments may speak of what they forbid. */
function codeOf(file: string): string {
  return (textOf.get(file) ?? '')
    .split('\n')
    .filter((line) => !/^\s*(\/\/|\/?\*)/.test(line))
    .map((line) => line.replace(/\s\/\/ .*$/, ''))
    .join('\n');
}

const filesWith = (pattern: RegExp) => sources.filter((file) => pattern.test(codeOf(file)));

describe('secret bytes', () => {
  /** Files and folders where `reveal()` or `text()` may stand, and what for. */
  const openings: Readonly<Record<string, string>> = {
    'auth/infisical': 'bodies of login requests',
    'auth/material.ts': 'digest of the material, and its trimmed text',
    'auth/signing': 'keys that sign login requests',
    'controller/external-secret/apply.ts': 'digest of what is merged, and values that are there',
    'controller/external-secret/apply-manifest.ts': 'digest of what is written, by which a second write is spared',
    'controller/kit/target-object.ts': 'data of the Secret or ConfigMap that is written',
    'credentials/cloud': 'tokens and keys that are exchanged for tokens of a cloud',
    'credentials/operator-identity.ts': 'tokens and key files of the operator, trimmed',
    'core/esc/environment-jobs.ts': 'the key that decrypts secrets of a document',
    'core/esc/job-packing.ts': 'that key on its way to a worker thread of this process',
    'core/generators/mfa.ts': 'the seed of a one-time password is the key of an HMAC',
    'core/generators/webhook.ts': 'values that the templates of a call are given',
    'core/job-packing.ts': 'values on their way to a worker thread of this process and back',
    'core/rewrite.ts': 'merge reads JSON objects',
    'core/secret-value.ts': 'equality of two values',
    'core/selection.ts': 'decodingStrategy',
    'core/kept-volatile.ts': 'digest of what a template is given, and certificates that it made',
    'core/manifest/manifest-blueprint.ts': 'values that become parts of an object',
    'core/target-template.ts': 'values of the provider that stay beside those of a template',
    'core/template-texts.ts': 'values that templates are given, and texts of templates',
    'core/target-plan.ts': 'digest for the data-hash annotation',
    'core/taken-over.ts': 'whether a foreign key has another value now',
    'kube/in-cluster.ts': 'text of files: token, namespace and certificate of the ServiceAccount',
    'kube/kubeconfig.ts': 'text of files that a kubeconfig names',
    'operator/lasting-secret.ts': 'what is kept for the next leader is written to its Secret',
    'providers/esc/documents.ts': 'that key, for the command line',
    'providers/esc/encryption-key.ts': 'the key that decrypts secrets of a document',
    'providers/esc/open': 'what is opened becomes values of an evaluation, flagged as secret',
    'providers/infisical/access.ts': 'digest of a token, by which it is told from others',
    'providers/infisical/api.ts': 'bearer token, and the token to revoke',
    'providers/pulumi/api.ts': 'access token in a header',
    'providers/pulumi/select.ts': 'values are written as JSON, and property paths read it',
    'auth/pulumi/access-token.ts': 'a look whether a header can carry it',
    'auth/pulumi/oidc-config.ts': 'body of the token exchange',
    'providers/infisical/select.ts': 'property paths and extract read JSON',
  };

  const opened = filesWith(/\.(reveal|text)\(\)/);

  it('are laid open in the listed places only', () => {
    expect(opened.filter((file) => !isIn(file, Object.keys(openings)))).toEqual([]);
  });

  it('are laid open in each of them', () => {
    expect(Object.keys(openings).filter((place) => !opened.some((file) => isIn(file, [place])))).toEqual([]);
  });
});

describe('writes to the API server', () => {
  it('of the controllers stand in one file, which guards, bounds and remembers them; one Secret is the operator’s own', () => {
    const writes = /\bkube\??\.(create|update|mergePatch|delete)\b/;
    expect(filesWith(writes).filter((file) => isIn(file, ['controller', 'operator']))).toEqual([
      'controller/kit/writer.ts',
      'operator/lasting-secret.ts',
    ]);
  });

  it('are within reach of nobody else: who is given the whole client is named', () => {
    const given = filesWith(/\bkube: Kube\b/).filter((file) => isIn(file, ['controller', 'operator']));
    expect(given).toEqual(['controller/kit/writer.ts']);
  });
});

describe('globals', () => {
  /** Each stands in one file; what needs it elsewhere gets it as an argument. */
  it.each<[what: string, pattern: RegExp, files: readonly string[]]>([
    ['process.env', /\bprocess\.env\b|\bfrom 'node:process'/, ['config.ts']],
    ['process.argv', /\bprocess\.argv\b/, ['main.ts']],
    ['process.exit', /\bprocess\.exit(Code)?\b/, ['main.ts']],
    ['process.stdout and process.stderr', /\bprocess\.std(out|err)\b/, ['main.ts']],
    ['signals', /\bprocess\.(on|once|kill)\b/, ['main.ts']],
    ['console', /\bconsole\./, []],
    ['the wall clock', /\bDate\.now\b|\bnew Date\(\)/, ['base/clock.ts']],
    ['the monotonic clock', /\bperformance\.now\b|\bprocess\.hrtime\b/, ['base/clock.ts']],
    // main.ts: the last resort against a stop that hangs must not depend on anything that may hang.
    ['timers', /\bset(Timeout|Interval)\(|\bfrom 'node:timers/, ['base/clock.ts', 'main.ts']],
    // runtime/heap.ts: the only way to the garbage collector in a process that was started without its flag.
    ['code from text', /\beval\(|\bnew Function\(|\bfrom 'node:vm'/, ['runtime/heap.ts']],
    ['child processes', /\bfrom 'node:child_process'/, ['cli/env/child.ts']],
  ])('%s', (_, pattern, files) => {
    expect(filesWith(pattern)).toEqual(files);
  });
});

describe('expressions over foreign text', () => {
  const literal = /(?<=[(,=:[?|&!] ?|return )\/(?![*/])((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+)\/[dgimsuvy]*/g;
  const literalsOf = (file: string) => [...codeOf(file).matchAll(literal)].map(([, body = '']) => body);

  /** A dot that may repeat without end, tried at each place of the text: time grows with the square of its length. */
  const roams = (body: string) => !body.startsWith('^') && /(?<!\\)\.[*+]|(?<!\\)\.\{\d+,\}/.test(body);

  it('hold no dot without end, unless they begin at the start of the text', () => {
    const foreign = sources.filter((file) => ['providers', 'http', 'auth', 'credentials'].includes(roomOf(file)));
    const broken = foreign.flatMap((file) =>
      literalsOf(file)
        .filter(roams)
        .map((body) => `${file}: ${body}`),
    );
    expect(broken).toEqual([]);
    expect(foreign.flatMap(literalsOf).length).toBeGreaterThan(60);
  });

  it.each([
    ['/\\bip\\b.*(not allowed|denied)/i', true],
    ['/identity .+not found/i', true],
    ['/a.{3,}b/', true],
    ['/^Signature (.*)$/', false],
    ['/\\bproject\\b.{0,60}\\bnot found/i', false],
    ['/ends\\.*/', false],
  ])('are judged as meant: %s', (code, isBroken) => {
    const found = [...`f(${code})`.matchAll(literal)].map(([, body = '']) => body);
    expect(found.map(roams)).toEqual([isBroken]);
  });
});

const isCheckout = existsSync(join(root, '.git'));

describe.skipIf(!isCheckout)('files of the repository', () => {
  const list = isCheckout
    ? execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' })
    : '';
  const files = list.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));

  /** `file:line` of each line that matches, in text files. */
  function linesWith(pattern: RegExp, among: readonly string[] = files): string[] {
    return among.flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      if (text.includes('\0')) return [];
      return text.split('\n').flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1}`] : []));
    });
  }

  it('name no place on somebody’s machine', () => {
    expect(linesWith(/(?<![\w.~-])\/(?:work|home|root|Users)\/[\w.]/)).toEqual([]);
  });

  it('name no package registry', () => {
    const hosts =
      /\b(?:registry\.[a-z]+js\.org|registry\.yarnpkg\.com|npm\.pkg\.github\.com|proxy\.golang\.org|sum\.golang\.org)\b/;
    expect(linesWith(hosts)).toEqual([]);
  });

  it('name what a release is built from by digest, and let a tool move the digests', () => {
    const workflows = files.filter((file) => file.startsWith('.github/workflows/'));
    expect(linesWith(/\buses: \S+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, workflows).length).toBeGreaterThan(10);
    expect(linesWith(/\buses:(?!.*@[0-9a-f]{40} # v\d+\.\d+\.\d+$)/, workflows)).toEqual([]);
    expect(linesWith(/^FROM .*@sha256:[0-9a-f]{64}( AS \w+)?$/, ['Dockerfile']).length).toBe(2);
    expect(linesWith(/^FROM (?!.*@sha256:[0-9a-f]{64}( AS \w+)?$)|^# syntax=/, ['Dockerfile'])).toEqual([]);
    expect(linesWith(/ecosystem: (docker|github-actions),/, ['.github/dependabot.yml']).length).toBe(2);
  });

  it('lock packages by digest, not by address', () => {
    expect(linesWith(/"resolved"\s*:/, ['package-lock.json'])).toEqual([]);
    const lock: { packages: Record<string, { integrity?: string; optional?: boolean; dev?: boolean }> } = JSON.parse(
      readFileSync(join(root, 'package-lock.json'), 'utf8'),
    );
    const open = Object.entries(lock.packages).filter(
      ([path, { integrity }]) => path !== '' && integrity === undefined,
    );
    // What is left are tools' builds for platforms on which nothing of ours is built; their digests were never seen here.
    const isElsewhere = (path: string) => !/linux-(x64|arm64)(-gnu)?$/.test(path);
    const wrong = open.filter(([path, { optional, dev }]) => optional !== true || dev !== true || !isElsewhere(path));
    expect(wrong.map(([path]) => path)).toEqual([]);
  });
});
