// The double of Pulumi Cloud under the eyes of a client that is not ours: the public command line logs in to it, opens and gets.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { builtPulumiCli } from '../pulumi-cli/build.ts';
import { createJwtIssuer } from '../support/jwt-issuer.ts';
import { type PulumiDouble, startPulumiDouble } from '../support/pulumi-double/double.ts';
import { digits, secret } from '../support/pulumi-double/values.ts';

let cli: Awaited<ReturnType<typeof builtPulumiCli>>;

// The first build takes minutes on a small machine.
beforeAll(async () => {
  cli = await builtPulumiCli();
}, 1_800_000);

beforeEach((context) => {
  if ('missing' in cli) context.skip(cli.missing);
});

interface Desk {
  readonly double: PulumiDouble;
  /** Runs `esc` with the arguments; its output, or its complaint when it fails. */
  esc(
    ...args: readonly string[]
  ): Promise<{ readonly output: string; readonly complaint: string; readonly ok: boolean }>;
}

/** A double, and the command line in a home of its own; it logs in with the access token where one is given. */
async function desk(token?: (double: PulumiDouble) => string): Promise<Desk> {
  const double = await startPulumiDouble();
  const home = await mkdtemp(join(tmpdir(), 'pulumi-cli-'));
  onTestFinished(async () => {
    await double.stop();
    await rm(home, { recursive: true });
  });
  const given = token === undefined ? {} : { PULUMI_ACCESS_TOKEN: token(double) };
  const env = { PATH: '/usr/bin:/bin', HOME: home, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: 'true', ...given };
  const program = 'program' in cli ? cli.program : '';
  return {
    double,
    async esc(...args) {
      try {
        const { stdout, stderr } = await promisify(execFile)(program, args, { env, timeout: 60_000 });
        return { output: stdout, complaint: stderr, ok: true };
      } catch (error) {
        const { stdout = '', stderr = String(error) } = Object(error);
        return { output: stdout, complaint: stderr, ok: false };
      }
    },
  };
}

async function loggedIn(): Promise<Desk> {
  const made = await desk((double) => double.addToken(['acme']));
  const { double, esc } = made;
  double.environments.set('acme/shop/prod', { old: 'value' });
  double.environments.set('acme/shop/prod', {
    db: { user: 'app', password: secret('pa<&>ss'), ports: [5432, digits('12345678901234567890')] },
    none: null,
    environmentVariables: { TOKEN: secret('t-1') },
  });
  double.environments.tag('acme/shop/prod', 'first', 1);
  expect(await esc('login', double.baseUrl)).toMatchObject({ ok: true, output: expect.stringContaining('somebody') });
  return made;
}

describe('the public command line', () => {
  it('logs in with an access token, and opens an environment whole', async () => {
    const { double, esc } = await loggedIn();
    const { output } = await esc('env', 'open', 'acme/shop/prod');
    expect(JSON.parse(output)).toMatchObject({
      db: { user: 'app', password: 'pa<&>ss', ports: [5432, expect.anything()] },
      none: null,
    });
    expect(output).toContain('12345678901234567890');
    expect(double.counts).toMatchObject({ open: 1, read: 1 });
    expect(double.unserved).toEqual([]);
  });

  it('opens single properties, projections, revisions and tags', async () => {
    const { esc } = await loggedIn();
    const open = async (...args: string[]) => (await esc('env', 'open', ...args)).output;
    expect(await open('acme/shop/prod', 'db["ports"][0]')).toBe('5432\n');
    expect(await open('acme/shop/prod', 'db.password', '--format', 'string')).toBe('pa<&>ss\n');
    expect(await open('acme/shop/prod', '--format', 'dotenv')).toBe('TOKEN="t-1"\n');
    for (const version of ['1', 'first']) {
      expect(JSON.parse(await open(`acme/shop/prod@${version}`))).toEqual({ old: 'value' });
    }
  });

  it('reads values with their traces', async () => {
    const { esc } = await loggedIn();
    const { output } = await esc('env', 'open', 'acme/shop/prod', 'db.password', '--format', 'detailed');
    expect(JSON.parse(output)).toMatchObject({
      value: 'pa<&>ss',
      secret: true,
      trace: { def: { environment: 'acme/shop/prod' }, base: { value: 'overridden' } },
    });
  });

  it('gets definitions with secrets encrypted, or in clear when it asks so, and their values', async () => {
    const { double, esc } = await loggedIn();
    const definition = await esc('env', 'get', 'acme/shop/prod', '--definition');
    expect(definition.output).toContain('ciphertext');
    expect(definition.output).not.toContain('pa<&>ss');
    const clear = await esc('env', 'get', 'acme/shop/prod', '--definition', '--show-secrets');
    expect(clear.output).toContain('pa<&>ss');
    const shown = await esc('env', 'get', 'acme/shop/prod', 'db', '--value', 'json');
    expect(JSON.parse(shown.output)).toMatchObject({ user: 'app', password: '[secret]' });
    expect(double.unserved).toEqual([]);
  });

  it('shows the diagnostics of an evaluation that failed', async () => {
    const { double, esc } = await loggedIn();
    double.environments.set('acme/shop/prod', {}, { diagnostics: [{ summary: 'no such role', path: 'aws' }] });
    const { output, complaint } = await esc('env', 'open', 'acme/shop/prod');
    expect({ output, complaint }).toEqual({ output: '', complaint: expect.stringContaining('no such role') });
  });

  it('is told what is not there, what it may not, and to slow down', async () => {
    const { double, esc } = await loggedIn();
    const failure = async () => (await esc('env', 'open', 'acme/shop/prod')).complaint;
    expect((await esc('env', 'open', 'acme/shop/gone')).complaint).toContain('[404] Not Found');
    expect((await esc('env', 'open', 'other/shop/prod')).complaint).toContain('[404] Not Found');
    double.fail('open', { status: 429, body: '' });
    expect(await failure()).toContain('rate-limit exceeded');
    double.fail('open', { status: 403, body: '{"code":403,"message":"Forbidden"}' });
    expect(await failure()).toContain('[403] Forbidden');
  });

  it('is refused with a token that the service does not know', async () => {
    const { double, esc } = await desk(() => 'pul-unknown');
    expect(await esc('login', double.baseUrl)).toMatchObject({ ok: false });
    expect(double.counts.open).toBe(0);
  });

  it('exchanges a token of an issuer that the organization trusts, and no other', async () => {
    const { double, esc } = await desk();
    const { issuer, keys, sign } = await createJwtIssuer('https://cluster.example');
    const claims = { sub: 'system:serviceaccount:team:app', aud: 'urn:pulumi:org:acme' };
    double.environments.set('acme/shop/prod', { a: 'one' });
    double.trust('acme', { issuer, keys, audience: claims.aud, subject: claims.sub });
    const login = (token: string) =>
      esc('login', double.baseUrl, '--oidc-org', 'acme', '--oidc-token', token, '--oidc-expiration', '15m');
    expect(await login(await sign({ ...claims, sub: 'system:serviceaccount:team:other' }))).toMatchObject({
      ok: false,
    });
    expect(await login(await sign(claims))).toMatchObject({ ok: true });
    expect(double.exchanges.at(-1)).toMatchObject({ audience: 'urn:pulumi:org:acme', expiration: '900' });
    expect(JSON.parse((await esc('env', 'open', 'acme/shop/prod')).output)).toEqual({ a: 'one' });
  });
});
