import { describe, expect, it } from 'vitest';
import { documentOfData, readDocument } from './declare.ts';
import { decryptDocument, encryptDocument } from './encrypt-document.ts';
import { opened, problems, shown } from './evaluation.fixture.ts';
import { propertyAt } from './export.ts';

describe('a document that is plain data', () => {
  it('evaluates as its text does', () => {
    const data = { values: { a: 1.5, b: ['${a}', true, null], c: { 'fn::toJSON': '${b}' } } };
    const text = 'values: {a: 1.5, b: ["${a}", true, null], c: {fn::toJSON: "${b}"}}';
    const fromData = opened(documentOfData('env', data));
    expect(shown(fromData)).toEqual({ a: 1.5, b: [1.5, true, null], c: '[1.5,true,null]' });
    expect(shown(fromData)).toEqual(shown(opened(readDocument('env', text))));
  });

  it('tells paths without ranges', () => {
    const { diagnostics } = opened(documentOfData('env', { values: { a: { b: ['${nope}'] } } }));
    expect(diagnostics).toEqual([
      { severity: 'error', summary: 'unknown property "nope"', environment: 'env', path: 'values.a.b[0]' },
    ]);
  });
});

describe('an import', () => {
  it('means the document that its target names, and keeps its written name', () => {
    const data = { imports: ['base'], values: { own: '${imports.base.a}', inherited: '${a}' } };
    const evaluation = opened(
      documentOfData('shop/app', data, (written) => `shop/${written}`),
      { 'shop/base': 'values: {a: 1}', base: 'values: {a: 2}' },
    );
    expect(shown(evaluation)).toEqual({ a: 1, own: 1, inherited: 1 });
    expect(evaluation.environments).toEqual(['shop/app', 'shop/base']);
  });
});

describe('places of diagnostics', () => {
  it('point into plain strings', () => {
    const { diagnostics } = opened(readDocument('env', 'values:\n  a:\n    b: 1\n  c: x ${a.nope}\n'));
    expect(diagnostics[0]?.range).toEqual({
      begin: { line: 4, column: 12, offset: 33 },
      end: { line: 4, column: 16, offset: 37 },
    });
  });

  it('name the imported document', () => {
    const { diagnostics } = opened(readDocument('env', 'imports: [a]'), { a: 'values: {x: "${nope}"}' });
    expect(diagnostics.map(({ environment, path }) => [environment, path])).toEqual([['a', 'values.x']]);
  });

  it('offer the key that was probably meant', () => {
    const { diagnostics } = opened(readDocument('env', 'values: {apiKey: 1, r: "${api_keu}"}'));
    expect(diagnostics[0]?.suggestion).toBe('apiKey');
  });
});

describe('a property', () => {
  it('is found by its path', () => {
    const { value } = opened(readDocument('env', 'values: {a: [{"b c": 1}]}'));
    const found = value === undefined ? undefined : propertyAt(value, 'a[0]["b c"]');
    expect(found?.data).toEqual({ kind: 'number', text: '1' });
    expect(value && propertyAt(value, 'a[1].x')).toBeUndefined();
    expect(value && propertyAt(value, 'a[')).toBeUndefined();
  });
});

describe('a check', () => {
  it('asks for nothing to be opened', () => {
    expect(problems(opened(readDocument('env', 'values: {o: {fn::open::test: {}}}'), {}, 'check'))).toEqual([]);
  });
});

describe('encryption of manifests', () => {
  const reversing = { encrypt: (text: Buffer) => text.toReversed(), decrypt: (text: Buffer) => text.toReversed() };
  const cipher = {
    encrypt: (text: Buffer) => Buffer.from(reversing.encrypt(Buffer.concat([Buffer.alloc(16), text]))),
    decrypt: (text: Buffer) => Buffer.from(reversing.decrypt(text)).subarray(16),
  };
  const other = 'apiVersion: v1\nkind: ConfigMap\ndata: {fn::secret: plain}\n';
  const manifest = (secret: string) =>
    `apiVersion: escapement.dev/v1alpha1\nkind: Environment\nspec:\n  values:\n    a: # why\n      fn::secret: ${secret}\n`;

  it('is of every Environment in a stream, and of nothing else', () => {
    const text = [manifest('one'), other, manifest('two')].join('---\n');
    const encrypted = encryptDocument(text, cipher);
    if (!('text' in encrypted)) throw new Error(encrypted.problem);
    expect(encrypted.count).toBe(2);
    expect(encrypted.text).toContain(other);
    expect(encrypted.text).not.toMatch(/secret: (one|two)/);
    expect(decryptDocument(encrypted.text, cipher)).toEqual({
      text: text.replace('one', '"one"').replace('two', '"two"'),
      count: 2,
    });
  });

  it('leaves JSON to be JSON', () => {
    const encrypted = encryptDocument('{"values": {"a": {"fn::secret": "x"}}}', cipher);
    if (!('text' in encrypted)) throw new Error(encrypted.problem);
    expect(JSON.parse(encrypted.text)).toMatchObject({
      values: { a: { 'fn::secret': { ciphertext: expect.any(String) } } },
    });
  });

  it('is of every document of a stream', () => {
    const encrypted = encryptDocument('values: {a: {fn::secret: x}}\n---\nvalues: {a: {fn::secret: y}}\n', cipher);
    expect(encrypted).toMatchObject({ count: 2, text: expect.not.stringMatching(/fn::secret: [xy]/) });
  });

  it.each([
    ['List', 'apiVersion: escapement.dev/v1alpha1, kind: Environment, '],
    ['EnvironmentList', ''],
  ])('is of every Environment in a %s', (kind, typed) => {
    const item = (secret: string) => `- {${typed}spec: {values: {a: {fn::secret: ${secret}}}}}\n`;
    const foreign = '- {apiVersion: v1, kind: ConfigMap, data: {fn::secret: plain}}\n';
    const text = `apiVersion: v1\nkind: ${kind}\nitems:\n${item('one')}${foreign}${item('two')}`;
    const encrypted = encryptDocument(text, cipher);
    if (!('text' in encrypted)) throw new Error(encrypted.problem);
    expect(encrypted).toMatchObject({ count: 2, text: expect.stringContaining(foreign) });
    expect(decryptDocument(encrypted.text, cipher)).toMatchObject({ count: 2 });
  });
});
