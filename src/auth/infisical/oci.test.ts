import { describe, expect, it, onTestFinished } from 'vitest';
import { startOciDouble } from '../../../test/support/cloud/oci.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { identityId, key, loginSite, recordingApi, signal } from './cloud-login.fixture.ts';
import { oci } from './oci.ts';

const clock = new FakeClock();

async function world() {
  const double = await startOciDouble({ clock });
  onTestFinished(() => double.http.stop());
  const { userId, tenancyId, fingerprint, region } = double.user;
  const privateKey = double.privatePem;
  return { double, material: { identityId, privateKey, userId, tenancyId, fingerprint, region } };
}

const spec = {
  identityId: key('identityId'),
  privateKey: key('privateKey'),
  fingerprint: key('fingerprint'),
  userId: key('userId'),
  tenancyId: key('tenancyId'),
  region: key('region'),
};
const encryptedSpec = { ...spec, privateKeyPassphrase: key('passphrase') };

/** Logs in, and lets the double judge what was sent. */
async function login(material: Readonly<Record<string, string>>, its: typeof spec = spec) {
  const api = recordingApi();
  const principal = await oci.gather(its, loginSite(material), signal);
  await principal.login(api, clock.nowMs(), signal);
  return api.sent[0];
}

describe('oci', () => {
  it('sends a signed request for the user that Oracle Cloud takes', async () => {
    const { double, material } = await world();
    const sent = await login(material);
    expect(sent).toEqual({
      path: '/v1/auth/oci-auth/login',
      body: {
        identityId,
        userOcid: double.user.userId,
        headers: {
          authorization: expect.any(String),
          'x-date': expect.any(String),
          host: 'identity.eu-frankfurt-1.oraclecloud.com',
        },
      },
    });
    const headers = sent?.body['headers'] as Record<string, string>; // as just seen
    expect(await double.replay(double.user.userId, headers)).toMatchObject({ compartmentId: double.user.tenancyId });
    await expect(double.replay('ocid1.user.oc1..other', headers)).rejects.toThrow('401');
  });

  it('is judged by the headers that Infisical sends on, not by what else is signed', async () => {
    const { double, material } = await world();
    const { body = {} } = (await login(material)) ?? {};
    const { 'x-date': date, ...headers } = body['headers'] as Record<string, string>; // as seen above
    await expect(double.replay(double.user.userId, { ...headers, date: date ?? '' })).rejects.toThrow('422');
  });

  it('takes white space around what was pasted', async () => {
    const { material } = await world();
    const spaced = Object.fromEntries(Object.entries(material).map(([name, text]) => [name, `${text}\n`]));
    expect(await login(spaced)).toBeDefined();
  });

  it.each(['sesame', 'sesame\n'])('opens an encrypted key with its passphrase (%j)', async (passphrase) => {
    const { double, material } = await world();
    const form = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' } as const;
    const privateKey = double.privateKey.export(form).toString();
    const sent = await login({ ...material, privateKey, passphrase }, encryptedSpec);
    const headers = sent?.body['headers'] as Record<string, string>; // strings, see above
    expect(await double.replay(double.user.userId, headers)).toBeDefined();
  });

  it('is another identity with another key, user or region', async () => {
    const { material } = await world();
    const keyOf = async (change: object) => (await oci.gather(spec, loginSite({ ...material, ...change }), signal)).key;
    const others = [
      { userId: 'ocid1.user.oc1..b' },
      { region: 'us-ashburn-1' },
      { identityId: identityId.replace('8', '9') },
    ];
    const keys = await Promise.all([{}, ...others].map(keyOf));
    expect(new Set(keys).size).toBe(4);
    expect(await keyOf({})).toBe(keys[0]);
  });

  it.each([
    { name: 'region', text: 'evil.example/' },
    { name: 'region', text: 'eu-frankfurt-1.evil' },
    { name: 'userId', text: 'ocid1.user.oc1..a"\r\nhost: canary' },
    { name: 'userId', text: 'ocid1.user.oc1../../canary' },
    { name: 'tenancyId', text: 'ocid1.user.oc1..canary' },
    { name: 'fingerprint', text: '20:3b:canary' },
    { name: 'privateKey', text: 'canary' },
    { name: 'identityId', text: 'canary' },
  ])('is InvalidCredential for $name $text, and does not repeat it', async ({ name, text }) => {
    const { material } = await world();
    await expect(login({ ...material, [name]: text })).rejects.toMatchObject({
      reason: 'InvalidCredential',
      message: expect.stringMatching(new RegExp(`^[^]*\\.${name}\\b(?![^]*canary)`)),
    });
  });

  it('is InvalidCredential for a wrong passphrase, and repeats nothing', async () => {
    const { double, material } = await world();
    const form = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' } as const;
    const privateKey = double.privateKey.export(form).toString();
    const failing = login({ ...material, privateKey, passphrase: 'wrong-canary\n' }, encryptedSpec);
    await expect(failing).rejects.toMatchObject({
      reason: 'InvalidCredential',
      message: expect.not.stringContaining('canary'),
    });
  });
});
