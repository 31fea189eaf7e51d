import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  azureApplication,
  azureIdentities,
  azureTenant,
  startAzureDoubles,
} from '../../../test/support/cloud/azure.ts';
import { systemClock } from '../../base/clock.ts';
import { cloudSources, ending, expectReason, signal } from './cloud.fixture.ts';

const resource = 'https://management.azure.com/';
const federated = 'federated.token.canary';
const files = { '/token': `${federated}\n` };

async function doubles() {
  const isTrusted = (assertion: string) => assertion === federated;
  const azure = ending(await startAzureDoubles({ clock: systemClock, isTrusted }));
  const workload = {
    AZURE_CLIENT_ID: azureApplication.clientId,
    AZURE_TENANT_ID: azureTenant,
    AZURE_FEDERATED_TOKEN_FILE: '/token',
    AZURE_AUTHORITY_HOST: azure.entra.url,
  };
  const node = { AZURE_POD_IDENTITY_AUTHORITY_HOST: `${azure.metadata.url}/` };
  return { azure, node, workload };
}

describe('azureToken of a managed identity', () => {
  it('asks the metadata service for the resource', async () => {
    const { azure, node } = await doubles();
    const token = await cloudSources({ environment: node }).azureToken('api://a b&c', signal);
    expect(decodeJwt(token.text())).toMatchObject({ aud: 'api://a b&c', oid: azureIdentities['node-client'] });
    expect(azure.metadata.requests[0]?.headers['metadata']).toBe('true');
  });

  it('names the one that AZURE_CLIENT_ID means', async () => {
    const { node } = await doubles();
    const environment = { ...node, AZURE_CLIENT_ID: 'other-client' };
    const token = await cloudSources({ environment }).azureToken(resource, signal);
    expect(decodeJwt(token.text())['oid']).toBe(azureIdentities['other-client']);
  });

  it('is LoginRejected when there is none of that name', async () => {
    const { node } = await doubles();
    const environment = { ...node, AZURE_CLIENT_ID: 'nobody' };
    await expectReason(cloudSources({ environment }).azureToken(resource, signal), 'LoginRejected');
  });

  it.each([
    { status: 410, reason: 'UpstreamUnavailable' },
    { status: 500, reason: 'UpstreamUnavailable' },
    { status: 429, reason: 'UpstreamThrottled' },
    { status: 200, reason: 'UpstreamInvalid' },
    { status: 302, reason: 'UpstreamInvalid' },
  ] as const)('is $reason when the service answers $status and no token', async ({ status, reason }) => {
    const { azure, node } = await doubles();
    azure.metadata.answerWith({ status, headers: { location: 'https://evil.example/' } });
    await expectReason(cloudSources({ environment: node }).azureToken(resource, signal), reason);
  });

  it('is UpstreamUnavailable when the metadata service is down', async () => {
    const { azure, node } = await doubles();
    await azure.metadata.stop();
    await expectReason(cloudSources({ environment: node }).azureToken(resource, signal), 'UpstreamUnavailable');
  });

  it('is InvalidCredential when the variable is no URL', async () => {
    const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: 'node' };
    await expectReason(cloudSources({ environment }).azureToken(resource, signal), 'InvalidCredential');
  });
});

describe('azureToken of a workload identity', () => {
  it('is preferred when it is configured', async () => {
    const { azure, node, workload } = await doubles();
    const token = await cloudSources({ environment: { ...node, ...workload }, files }).azureToken(resource, signal);
    expect(decodeJwt(token.text())).toMatchObject({ aud: resource, oid: azureApplication.objectId });
    expect(azure.metadata.requests).toEqual([]);
  });

  it('reads the token of the file at each use', async () => {
    const { workload } = await doubles();
    const rotated = { '/token': 'not-yet' };
    const sources = cloudSources({ environment: workload, files: rotated });
    await expectReason(sources.azureToken(resource, signal), 'LoginRejected', ['not-yet']);
    rotated['/token'] = federated;
    await expect(sources.azureToken(resource, signal)).resolves.toBeDefined();
  });

  it('is LoginRejected with the code of Microsoft Entra, and the same at each try', async () => {
    const { workload } = await doubles();
    const sources = cloudSources({ environment: workload, files: { '/token': 'stranger-canary' } });
    const tries = [];
    for (let count = 0; count < 2; count++) {
      tries.push(await expectReason(sources.azureToken(resource, signal), 'LoginRejected', ['stranger-canary']));
    }
    expect(tries[0]?.message).toContain('AADSTS700213');
    expect(tries[1]?.message).toBe(tries[0]?.message);
  });

  it.each(['AZURE_CLIENT_ID', 'AZURE_TENANT_ID'])('is InvalidCredential without %s', async (missing) => {
    const { workload } = await doubles();
    const sources = cloudSources({ environment: { ...workload, [missing]: '' }, files });
    await expectReason(sources.azureToken(resource, signal), 'InvalidCredential');
  });

  it('is InvalidCredential when the file is not there', async () => {
    const { workload } = await doubles();
    await expectReason(cloudSources({ environment: workload }).azureToken(resource, signal), 'InvalidCredential');
  });
});
