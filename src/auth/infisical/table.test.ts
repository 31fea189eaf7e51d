import { describe, expect, it } from 'vitest';
import { infisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import { key, loginSite, recordingApi, signal } from './cloud-login.fixture.ts';
import { gatherInfisicalPrincipal } from './table.ts';

const universal = { clientId: key('clientId'), clientSecret: key('clientSecret') };
const site = loginSite({ clientId: 'id\n', clientSecret: ' secret', accessToken: 'token' });

describe('gatherInfisicalPrincipal', () => {
  it('takes the one block that is set', async () => {
    const api = recordingApi();
    const principal = await gatherInfisicalPrincipal({ universalAuthCredentials: universal }, site, signal);
    await principal.login(api, 0, signal);
    expect(api.sent).toEqual([
      { path: '/v1/auth/universal-auth/login', body: { clientId: 'id', clientSecret: 'secret' } },
    ]);
  });

  it('is InvalidSpec without a block, naming all that there are', async () => {
    const gathering = gatherInfisicalPrincipal({}, site, signal);
    const blocks = Object.keys(infisicalAuthSpecs).map((method) => `${method}AuthCredentials`);
    await expect(gathering).rejects.toMatchObject({
      reason: 'InvalidSpec',
      message: expect.stringContaining(blocks.join(', ')),
    });
  });

  it('is InvalidSpec with two, naming them', async () => {
    const auth = { tokenAuthCredentials: { accessToken: key('accessToken') }, universalAuthCredentials: universal };
    await expect(gatherInfisicalPrincipal(auth, site, signal)).rejects.toMatchObject({
      reason: 'InvalidSpec',
      message: expect.stringContaining('universalAuthCredentials, tokenAuthCredentials'),
    });
  });
});
