import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { randomDocuments } from '../../../test/oracle/esc/documents.ts';
import { directoryOf, env, giving } from './desk.fixture.ts';

const document = `
values:
  db:
    host: h
    port: 5432
    big: 12345678901234567890
    ratio: 1.50
    password: {fn::secret: "it's $HOME"}
  opened: {fn::open::vault: {}}
  empty: {list: [], object: {}, nothing: ~}
  environmentVariables:
    DB_PASSWORD: \${db.password}
    DB_PORT: \${db.port}
    "BAD; rm": x
  files:
    CERT: {fn::secret: "line\\n"}
`;
const providers = { vault: giving({ token: 't0ken' }, { secret: true }) };
const show = (args: readonly string[], more: object = {}) => env(args, { input: document, providers, ...more });

describe('env open', () => {
  it('shows everything when the output is no terminal, with all digits', async () => {
    const { code, out } = await show(['open', '-']);
    expect(code).toBe(0);
    expect(out).toContain('"big": 12345678901234567890');
    expect(JSON.parse(out)).toMatchObject({
      db: { host: 'h', password: "it's $HOME", ratio: 1.5 },
      opened: { token: 't0ken' },
      empty: { list: [], object: {}, nothing: null },
    });
  });

  it.each<[string, readonly string[], boolean, boolean]>([
    ['hides secrets on a terminal', [], true, false],
    ['shows them there when asked to', ['--show-secrets'], true, true],
    ['hides them elsewhere when asked to', ['--show-secrets=false'], false, false],
  ])('%s', async (_, flags, isTerminal, isShown) => {
    for (const format of ['json', 'yaml', 'string', 'detailed', 'dotenv', 'shell']) {
      const { out } = await show(['open', '-', '-f', format, ...flags], { isTerminal });
      expect([format, out.includes('$HOME')]).toEqual([format, isShown]);
      if (!isShown) expect(out).not.toMatch(/t0ken|line/);
    }
  });

  it('prints YAML that reads back alike', async () => {
    const { out } = await show(['open', '-', '-f', 'yaml']);
    const again = await env(['open', '-'], { input: `values:\n${out.replaceAll(/^/gm, '  ')}` });
    expect(JSON.parse(again.out)).toEqual(JSON.parse((await show(['open', '-'])).out));
  });

  it.each([
    ['db.password', 'string', "it's $HOME\n"],
    ['db.port', 'json', '5432\n'],
    ['empty', 'yaml', 'list: []\nnothing: null\nobject: {}\n'],
    [
      'opened',
      'detailed',
      '{\n  "value": {\n    "token": {\n      "value": "t0ken",\n      "secret": true\n    }\n  },\n  "secret": true\n}\n',
    ],
    ['not.there', 'json', 'null\n'],
    ['not.there', 'string', '\n'],
  ])('prints %s as %s', async (path, format, wanted) => {
    expect((await show(['open', '-', path, '-f', format])).out).toBe(wanted);
  });

  it('gives a shell what it can take, and no command', async () => {
    const { out, errors } = await show(['open', '-', '-f', 'shell']);
    const shell = `eval "$1"; printf %s "$DB_PASSWORD:$DB_PORT"`;
    expect(execFileSync('sh', ['-c', shell, 'sh', out], { encoding: 'utf8' })).toBe("it's $HOME:5432");
    expect(errors).toContain('left out: "BAD; rm" is no name of a variable');
    expect(errors).toContain('left out: the files CERT');
  });

  it('writes files for a shell where it is told to', async () => {
    const directory = `${directoryOf({})}/files`;
    const { out } = await show(['open', '-', '-f', 'dotenv', '--files', directory]);
    expect(out).toContain(`CERT="${directory}/CERT"`);
    expect(readFileSync(`${directory}/CERT`, 'utf8')).toBe('line\n');
    expect(statSync(`${directory}/CERT`).mode & 0o777).toBe(0o600);
  });

  it('prints nothing of a document with errors, and says where they are', async () => {
    const told = await env(['open', '-'], { input: 'values:\n  a: 1\n  b: {fn::open::nope: {}}\n' });
    expect(told).toEqual({
      code: 1,
      out: '',
      errors: '<input>:3:23: error: values.b["fn::open::nope"]: unknown provider "nope"\n',
    });
  });

  it('tells what a provider says at the place of the call, without the secrets that it was given', async () => {
    const failing = {
      inputs: true,
      outputs: true,
      open: () => Promise.reject(new Error('hunter2')),
    };
    const { code, errors } = await env(['open', '-'], {
      input: 'values:\n  a:\n    fn::open::vault: {password: {fn::secret: hunter2}}\n',
      providers: { vault: failing },
    });
    expect(code).toBe(1);
    expect(errors).toMatch(/^<input>:3:5: error: values\.a: /);
    expect(errors).not.toContain('hunter2');
  });
});

describe('env get', () => {
  it('lets no secret of any document out, in any format, nor in what it tells', async () => {
    for (const { env: text = '', ...imported } of randomDocuments(4711, 25)) {
      const canary = (each: string) => each.replaceAll(/fn::secret: (hush|"[^}]*")/g, 'fn::secret: canary-4711');
      const files = Object.entries({ env: text, ...imported }).map(([name, each]) => [`${name}.yaml`, canary(each)]);
      const directory = directoryOf(Object.fromEntries(files));
      for (const format of ['json', 'yaml', 'string', 'detailed', 'dotenv']) {
        const told = await env(['get', `${directory}/env.yaml`, '-f', format], {
          providers: { test: giving({ a: 1 }) },
        });
        expect([0, 1]).toContain(told.code);
        expect(told.out + told.errors).not.toContain('canary-4711');
      }
    }
  });

  it('opens nothing and hides secrets', async () => {
    const { code, out } = await show(['get', '-']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ opened: '[unknown]', db: { host: 'h', password: '[secret]' } });
  });

  it('shows those that stand in the document when asked to', async () => {
    expect((await show(['get', '-', 'db.password', '--show-secrets'])).out).toBe(`"it's $HOME"\n`);
  });

  it('shows what is known of a document with errors', async () => {
    const { code, out } = await env(['get', '-'], { input: 'values: {a: 1, b: "${nope}"}' });
    expect([code, JSON.parse(out)]).toEqual([1, { a: 1, b: '[unknown]' }]);
  });
});
