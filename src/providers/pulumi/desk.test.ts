import { describe, expect, it, onTestFinished } from 'vitest';
import { startPulumiDouble } from '../../../test/support/pulumi-double/double.ts';
import { type Document, digits, secret, unknown } from '../../../test/support/pulumi-double/values.ts';
import { systemClock } from '../../base/clock.ts';
import { pathsWhere, plainJson } from '../../core/esc/export.ts';
import { createEgressPolicy } from '../../http/egress.ts';
import { createUpstreamDoor } from '../../http/upstream.ts';
import { createPulumiDesk } from './desk.ts';

const { signal } = new AbortController();
const prod = { organization: 'acme', project: 'shop', environment: 'prod', version: undefined };

async function scene(accessToken?: string) {
  const double = await startPulumiDouble();
  const policy = createEgressPolicy({ insecureHosts: [double.host] });
  const door = createUpstreamDoor({ policy, proxy: () => undefined, userAgent: 'escapement/test', clock: systemClock });
  onTestFinished(async () => {
    door.close();
    await double.stop();
  });
  const token = accessToken ?? double.addToken(['acme']);
  const backendUrl = `http://${double.host}/`;
  const desk = createPulumiDesk({ upstream: door.open({}), clock: systemClock, accessToken: token, backendUrl });
  return { double, desk };
}

describe('an environment of Pulumi Cloud', () => {
  const document: Document = {
    db: { host: 'h', password: secret('hunter2') },
    n: digits('1.10'),
    l: [1, null, true],
    u: unknown,
  };

  it('is opened with its flags', async () => {
    const { double, desk } = await scene();
    double.environments.set('acme/shop/prod', document);
    const { value, diagnostics } = await desk.open(prod, signal);
    if (value === undefined) throw new Error('nothing was opened');
    expect(diagnostics).toEqual([]);
    expect(plainJson(value, { redact: true })).toEqual({
      db: { host: 'h', password: '[secret]' },
      n: 1.1,
      l: [1, null, true],
      u: '[unknown]',
    });
    expect(pathsWhere(value, (each) => each.secret)).toEqual(['db.password']);
    expect(value.members.get('n')?.data).toEqual({ kind: 'number', text: '1.10' });
  });

  it('is checked from its definition, without an open', async () => {
    const { double, desk } = await scene();
    double.environments.set('acme/shop/prod', document, {
      diagnostics: [{ summary: 'careful', path: 'values.db', severity: 'warning' }],
    });
    const { value, diagnostics } = await desk.check(prod, { showSecrets: false }, signal);
    expect(value && plainJson(value, { redact: false })).toMatchObject({ db: { password: '[secret]' } });
    expect(diagnostics).toMatchObject([{ severity: 'warning', summary: 'careful', path: 'values.db' }]);
    const shown = await desk.check(prod, { showSecrets: true }, signal);
    expect(shown.value && plainJson(shown.value, { redact: false })).toMatchObject({ db: { password: 'hunter2' } });
    expect(double.counts).toMatchObject({ open: 0, definition: 2, check: 2 });
  });

  it.each(['open', 'check'] as const)('with errors tells them at an %s', async (how) => {
    const { double, desk } = await scene();
    const position = (line: number) => ({ line, column: 3, byte: 20 });
    const range = { environment: 'shop/prod', begin: position(2), end: position(2) };
    const diagnostic = { summary: 'unknown property "x"', path: 'values.a', range };
    double.environments.set('acme/shop/prod', {}, { diagnostics: [diagnostic] });
    const { value, diagnostics } = await (how === 'open'
      ? desk.open(prod, signal)
      : desk.check(prod, { showSecrets: false }, signal));
    expect(value).toBeUndefined();
    const told = { severity: 'error', summary: 'unknown property "x"', path: 'values.a', environment: 'shop/prod' };
    expect(diagnostics).toMatchObject([{ ...told, range: { begin: { line: 2, column: 3, offset: 20 } } }]);
  });

  it('is read at a revision', async () => {
    const { double, desk } = await scene();
    double.environments.set('acme/shop/prod', { a: 1 });
    double.environments.set('acme/shop/prod', { a: 2 });
    const { value } = await desk.open({ ...prod, version: '1' }, signal);
    expect(value && plainJson(value, { redact: false })).toEqual({ a: 1 });
  });

  it('that is not there, and a token that is refused, are told', async () => {
    const { desk } = await scene();
    await expect(desk.open(prod, signal)).rejects.toMatchObject({ reason: 'ScopeNotFound' });
    const stranger = await scene('pul-wrong');
    await expect(stranger.desk.open(prod, signal)).rejects.toMatchObject({
      reason: 'LoginRejected',
      message: expect.stringContaining('PULUMI_ACCESS_TOKEN'),
    });
  });
});
