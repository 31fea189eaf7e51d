import { describe, expect, it, onTestFinished } from 'vitest';
import { type ConnectItem, startOnePasswordDouble } from '../../../../test/support/cloud/one-password.ts';
import { doorTo, opened } from './opening.fixture.ts';

const vaultId = 'hfnjvi6aymbsnfc2xeeoheizda';
const hiddenId = 'zzzzvi6aymbsnfc2xeeoheizda';
const itemId = 'wepiqdxdzncjtnvmv5fegud4qy';
const login: ConnectItem = {
  id: itemId,
  title: 'Database',
  sections: [{ id: 'admin-1', label: 'Admin' }],
  fields: [
    { id: 'username', label: 'username', value: 'app' },
    { id: 'password', label: 'password', value: 'p4ssw0rd-of-app' },
    { id: 'x1', label: 'password', value: 'p4ssw0rd-of-admin', section: { id: 'admin-1' } },
    { id: 'x2', label: 'empty', section: { id: 'admin-1' } },
    { id: 'x3', label: 'code', value: 'otpauth://totp/x', totp: '123456', section: { id: 'admin-1' } },
  ],
};
const twin = (id: string): ConnectItem => ({ id, title: 'Twin' });
const quoted: ConnectItem = { id: 'quotedquotedquotedquotedqu', title: 'a "b"', fields: [{ id: 'f', value: 'v' }] };

async function scene() {
  const double = await startOnePasswordDouble([
    { id: vaultId, name: 'Shop', items: [login, twin('twin1'), twin('twin2'), quoted] },
    { id: hiddenId, name: 'Hidden', items: [login], isHidden: true },
  ]);
  onTestFinished(() => double.stop());
  const door = doorTo(double.url);
  const open = (refs: Readonly<Record<string, string>>, change: object = {}) => {
    const get = Object.fromEntries(Object.entries(refs).map(([name, ref]) => [name, { ref }]));
    const token = { 'fn::secret': double.token };
    const at = { connectHost: `${double.url}/`, connectToken: token, ...change };
    return opened({ read: { 'fn::open::1password-secrets': { login: at, get } } }, { ports: { door } });
  };
  return { double, open };
}

describe('1password-secrets', () => {
  it('reads fields by names and by ids, with one request for what several need', async () => {
    const { double, open } = await scene();
    const refs = {
      user: 'op://Shop/Database/username',
      password: 'op://Shop/Database/password',
      admin: 'op://shop/database/admin/Password',
      byId: `op://${vaultId}/${itemId}/admin-1/x1`,
      empty: 'op://Shop/Database/Admin/empty',
      code: 'op://Shop/Database/Admin/code?attribute=otp',
      quoted: 'op://Shop/a "b"/f',
    };
    expect(await open(refs)).toEqual({
      read: {
        user: 'app',
        password: 'p4ssw0rd-of-app',
        admin: 'p4ssw0rd-of-admin',
        byId: 'p4ssw0rd-of-admin',
        empty: '',
        code: '123456',
        quoted: 'v',
      },
    });
    const paths = double.requests.map(({ path, query }) => `${path} ${query.toString()}`);
    expect(paths.length).toBe(new Set(paths).size);
    expect(paths.filter((path) => path.startsWith('/v1/vaults '))).toHaveLength(1);
  });

  const cases: readonly [why: string, ref: string, reason: string, says: string][] = [
    ['a vault that is not there, or not the token’s', 'op://Nope/Database/username', 'ScopeNotFound', '"Nope"'],
    ['a vault whose id the token may not see', `op://${hiddenId}/Database/username`, 'AccessDenied', 'no access'],
    ['an item that is not there', 'op://Shop/Nope/username', 'InvalidValue', 'no item "Nope"'],
    ['an item whose id is not there', `op://Shop/${hiddenId}/username`, 'InvalidValue', 'no such item'],
    ['a field that is not there, with those that are', 'op://Shop/Database/nope', 'InvalidValue', 'it has code, empty'],
    ['a section that is not there', 'op://Shop/Database/nope/password', 'InvalidValue', 'in section "nope"'],
    ['a title that two items bear', 'op://Shop/Twin/username', 'InvalidSpec', '2 are called "Twin"'],
    ['a field without a one-time password', 'op://Shop/Database/username?attribute=otp', 'InvalidValue', 'no one-time'],
    ['other attributes', 'op://Shop/Database/username?attribute=type', 'Unsupported', 'attribute=otp'],
    ['what is no reference', 'Shop/Database/username', 'InvalidSpec', 'op://vault/item/field'],
    ['a reference with a part too many', 'op://Shop/Database/a/b/c', 'InvalidSpec', 'op://vault/item/field'],
    ['a reference without a field', 'op://Shop/Database', 'InvalidSpec', 'op://vault/item/field'],
  ];

  it.each(cases)('tells %s', async (_, ref, reason, says) => {
    const { double, open } = await scene();
    const failed = await open({ ok: 'op://Shop/Database/username', it: ref });
    expect(failed).toMatchObject({ reason, message: expect.stringContaining(says) });
    expect(failed).toMatchObject({ message: expect.stringContaining('environment "shop/app": values.read: ') });
    expect(JSON.stringify(failed)).not.toContain(double.token);
  });

  it('names the way out to who has a service account', async () => {
    const { open } = await scene();
    const given = { connectHost: undefined, connectToken: undefined, serviceAccountToken: 'ops_abcdef' };
    const failed = await open({ it: 'op://Shop/Database/username' }, given);
    expect(failed).toMatchObject({ reason: 'Unsupported', message: expect.stringContaining('login.connectHost') });
    expect(JSON.stringify(failed)).not.toContain('ops_abcdef');
  });

  it('asks for host and token where there is neither', async () => {
    const { open } = await scene();
    expect(await open({ it: 'op://Shop/Database/username' }, { connectToken: undefined })).toMatchObject({
      reason: 'InvalidSpec',
    });
  });

  it('tells a token that is refused', async () => {
    const { open } = await scene();
    const failed = await open({ it: 'op://Shop/Database/username' }, { connectToken: 'another' });
    expect(failed).toMatchObject({ reason: 'AccessDenied', message: expect.stringContaining('the token is refused') });
  });

  it.each([
    ['throttled', { status: 429, headers: { 'retry-after': '7' }, body: {} }, 'UpstreamThrottled'],
    ['down', { status: 503, body: 'no' }, 'UpstreamUnavailable'],
    ['another service', { status: 200, body: '<html>' }, 'UpstreamInvalid'],
    ['another API', { status: 200, body: { vaults: [] } }, 'UpstreamInvalid'],
    ['behind a proxy that refuses', { status: 403, body: '<html>' }, 'UpstreamInvalid'],
  ] as const)('tells a server that is %s', async (_, answer, reason) => {
    const { double, open } = await scene();
    double.answerWith(answer);
    const failed = await open({ it: 'op://Shop/Database/username' });
    expect(failed).toMatchObject({ reason });
    if (reason === 'UpstreamThrottled') expect(failed).toMatchObject({ retryAfterMs: 7_000 });
  });

  it('gives a server up that is gone', async () => {
    const { double, open } = await scene();
    await double.stop();
    expect(await open({ it: 'op://Shop/Database/username' })).toMatchObject({ reason: 'UpstreamUnavailable' });
  });
});
