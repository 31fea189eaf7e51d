// What the documentation shows must be true: every manifest is one that the operator reads whole, every block of YAML on a page is
// a file, every link leads somewhere, and the pages of providers know every field.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { reasons } from '../src/base/reasons.ts';
import { refuseInvalid, refuseUnsupported } from '../src/core/unsupported.ts';
import { parseClusterExternalSecret } from '../src/crds/cluster-external-secret.ts';
import { parseEnvironment } from '../src/crds/environment.ts';
import { parseExternalSecret } from '../src/crds/external-secret.ts';
import {
  type GeneratorRefKind,
  generatorKinds,
  isServedGenerator,
  parseGenerator,
} from '../src/crds/generators/table.ts';
import { kinds } from '../src/crds/kinds.ts';
import type { Parsed } from '../src/crds/parse.ts';
import { parseStore } from '../src/crds/secret-store.ts';

const root = dirname(import.meta.dirname);
const find = (...patterns: string[]) => patterns.flatMap((pattern) => globSync(pattern, { cwd: root })).sort();
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** Documents of ESC, which are no manifests. */
const documentsOfEsc = find('examples/env/**/*.yaml');
const manifests = find('docs/**/*.yaml', 'examples/**/*.yaml').filter((path) => !documentsOfEsc.includes(path));
const pages = ['README.md', ...find('docs/**/*.md', 'examples/**/*.md')];
const pagesByHand = pages.filter((page) => !read(page).startsWith('<!-- Generated'));

/** Everything that may become part of a message: our own words, and those of Infisical as its double has them. */
const said = find('src/**/*.ts', 'test/support/infisical-double/**/*.ts')
  .filter((path) => !path.endsWith('.test.ts'))
  .map(read)
  .join('\n')
  .toLowerCase();

/** Words with a name in their middle, which stand nowhere as a whole; tests of the logins and of `kube/` hold them. */
const composed: ReadonlySet<string> = new Set([
  'this server has no jwt-auth',
  'this server has no ldap-auth',
  'cannot create serviceaccounts/token',
  'namespace not allowed',
  'name not allowed',
]);

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  // A Kustomization of kustomize is no object of the API, and has none.
  metadata: z.looseObject({ name: z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/) }).exactOptional(),
});

function documents(text: string): readonly z.infer<typeof manifest>[] {
  return parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([]);
    return manifest.parse(document.toJS());
  });
}

/** A ClusterGenerator holds the spec of another kind, which alone is read: it is compared as it stands. */
function parsedGenerator(kind: GeneratorRefKind, object: z.infer<typeof manifest>): Parsed<object> {
  const { ok, issues } = parseGenerator(kind, object);
  if (issues !== undefined) return { issues };
  return { ok: kind === 'ClusterGenerator' ? object : { ...object, spec: ok.spec } };
}

/** The object as its kind reads it, or undefined for kinds of Kubernetes itself. */
function parsed(object: z.infer<typeof manifest>): Parsed<object> | undefined {
  if (object.kind === 'ExternalSecret') return parseExternalSecret(object);
  if (isServedGenerator(object.kind)) return parsedGenerator(object.kind, object);
  if (object.kind === 'Environment') return parseEnvironment(object);
  if (object.kind === 'ClusterExternalSecret') return parseClusterExternalSecret(object);
  return object.kind === 'SecretStore' || object.kind === 'ClusterSecretStore' ? parseStore(object) : undefined;
}

describe('manifests', () => {
  it.each(manifests)('%s is read whole: no field is unknown', (path) => {
    const objects = documents(read(path));
    expect(objects.length).toBeGreaterThan(0);
    for (const object of objects) {
      const { ok, issues } = parsed(object) ?? { ok: object };
      expect(issues).toBeUndefined();
      expect(ok).toMatchObject(object);
    }
  });

  it.each(manifests)('%s asks for nothing that is refused', (path) => {
    for (const object of documents(read(path))) {
      if (object.kind !== 'ExternalSecret') continue;
      const spec = parseExternalSecret(object).ok?.spec;
      if (spec === undefined) throw new Error('cannot be read');
      expect(() => refuseUnsupported(spec)).not.toThrow();
      expect(() => refuseInvalid(spec)).not.toThrow();
    }
  });
});

describe('pages', () => {
  const files = new Set([...manifests, ...documentsOfEsc].map((path) => read(path).trim()));

  it.each(pagesByHand)('%s shows no YAML but that of files', (page) => {
    const blocks = [...read(page).matchAll(/^```ya?ml\n(.*?)^```/gms)].map(([, text = '']) => text.trim());
    expect(blocks.filter((text) => !files.has(text))).toEqual([]);
  });

  it.each(pages)('%s names files of code that are there', (page) => {
    const named = [...read(page).matchAll(/`((?:src|test)\/[\w/.-]+\.ts)`/g)].map(([, path = '']) => path);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it.each(pages)('%s links to what is there', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, path = '']) => path);
    expect(links.filter((path) => !existsSync(join(root, dirname(page), path)))).toEqual([]);
  });

  it.each(pagesByHand)('%s names reasons that exist', (page) => {
    const named = [...read(page).matchAll(/^\|(?:[^|`]*\|| "[^|`]*" \()? ?`([A-Z][a-z]+[A-Z]\w*)`(?: \||\) \|)/gm)];
    expect(named.map(([, reason = '']) => reason).filter((reason) => !Object.hasOwn(reasons, reason))).toEqual([]);
  });

  it.each(pagesByHand.filter((page) => read(page).includes('| the message says')))(
    '%s says what messages say',
    (page) => {
      const tables = [...read(page).matchAll(/^\| the message says.*\n\| ---.*\n((?:\|.*\n)+)/gm)].map(
        ([, rows = '']) => rows,
      );
      const firstCells = tables
        .join('')
        .split('\n')
        .map((row) => row.split('|')[1] ?? '');
      const words = firstCells.flatMap((cell) =>
        [...cell.matchAll(/"([^"]+)"/g)].flatMap(([, text = '']) => text.split('…')),
      );
      expect(words.length).toBeGreaterThan(0);
      expect(
        words.map((text) => text.trim()).filter((text) => !composed.has(text) && !said.includes(text.toLowerCase())),
      ).toEqual([]);
    },
  );

  it('show every manifest of docs/', () => {
    const shown = pagesByHand.map(read).join('\n');
    expect(manifests.filter((path) => path.startsWith('docs/') && !shown.includes(read(path)))).toEqual([]);
  });
});

describe('pages of kinds', () => {
  const generatorPage = 'docs/generators.md';
  const pageOf: Readonly<Record<string, string>> = {
    ExternalSecret: 'docs/guides/external-secret.md',
    SecretStore: 'docs/guides/stores.md',
    ClusterSecretStore: 'docs/guides/stores.md',
    ClusterExternalSecret: 'docs/guides/cluster-external-secret.md',
    ...Object.fromEntries(Object.keys(generatorKinds).map((kind) => [kind, generatorPage])),
  };
  /** Its page has another shape: an Environment has no conditions. */
  const others = ['Environment'];

  it('are there for every kind', () => {
    expect(
      kinds.map(({ resource }) => resource.kind).filter((kind) => !others.includes(kind) && !(kind in pageOf)),
    ).toEqual([]);
  });

  it.each([...new Set(Object.values(pageOf))])('%s begins with an example and ends with the conditions', (page) => {
    const [before = '', ...sections] = read(page).split(/^## /m);
    expect(before).toContain('```yaml');
    expect(sections.at(-1)).toMatch(/^What each condition means\n/);
  });
});

describe('pages of providers', () => {
  interface Schema {
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly items?: Schema;
  }

  /** The fields of a provider block in the CRD, references to other objects not opened. */
  function* fieldsOf(schema: Schema): Generator<string> {
    const own = Object.entries((schema.items ?? schema).properties ?? {});
    const isReference = own.some(([name]) => name === 'name') && own.some(([name]) => name === 'namespace');
    for (const [name, inner] of isReference ? [] : own) {
      yield name;
      yield* fieldsOf(inner);
    }
  }

  const crd = parse(read('deploy/crds/external-secrets.io_secretstores.yaml'));
  const blocks = crd.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.provider.properties;

  it.each(['infisical', 'pulumi', 'fake'])('%s.md explains every field of the block', (name) => {
    const page = read(`docs/providers/${name}.md`);
    const fields = [...new Set(fieldsOf(blocks[name]))];
    expect(fields.length).toBeGreaterThan(0);
    expect(fields.filter((field) => !new RegExp(`\\b${field}\\b`).test(page))).toEqual([]);
  });
});
