import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../base/operator-error.ts';
import { readCloudVariables } from '../../config-cloud.ts';
import { cloudApiPolicy, metadataPolicy } from './endpoints.ts';

function reasonOf(run: () => void): string {
  try {
    run();
    return 'allowed';
  } catch (error) {
    return error instanceof OperatorError ? error.reason : String(error);
  }
}

const policyOf = (environment: Record<string, string> = {}) => metadataPolicy(readCloudVariables(environment));

describe('metadataPolicy', () => {
  it.each([
    'http://169.254.169.254/latest/api/token',
    'http://169.254.170.2/v2/credentials/1',
    'http://metadata.google.internal/computeMetadata/v1/',
  ])('allows %s', (url) => {
    expect(reasonOf(() => policyOf().checkUrl(new URL(url)))).toBe('allowed');
  });

  it.each([
    { why: 'any other host', url: 'https://app.infisical.com/api' },
    { why: 'another link-local address', url: 'http://169.254.1.1/' },
    { why: 'another port', url: 'http://169.254.169.254:8080/' },
    { why: 'the pod identity agent, unless the environment names it', url: 'http://169.254.170.23/v1/credentials' },
    { why: 'loopback, unless the environment names it', url: 'http://127.0.0.1/' },
  ])('denies $why', ({ url }) => {
    expect(reasonOf(() => policyOf().checkUrl(new URL(url)))).toBe('HostDenied');
  });

  it.each([
    ['AWS_EC2_METADATA_SERVICE_ENDPOINT', 'http://127.0.0.1:1338', 'http://127.0.0.1:1338/latest'],
    ['AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE', 'IPv6', 'http://[fd00:ec2::254]/latest'],
    ['AWS_CONTAINER_CREDENTIALS_FULL_URI', 'http://169.254.170.23/v1/credentials', 'http://169.254.170.23/v1'],
    ['AWS_CONTAINER_CREDENTIALS_FULL_URI', 'http://[fd00:ec2::23]/v1/credentials', 'http://[fd00:ec2::23]/v1'],
    ['GCE_METADATA_HOST', '169.254.169.252:987', 'http://169.254.169.252:987/'],
    ['AZURE_POD_IDENTITY_AUTHORITY_HOST', 'http://localhost:2579', 'http://localhost:2579/metadata'],
  ])('allows what %s=%s names', (variable, value, url) => {
    expect(reasonOf(() => policyOf({ [variable]: value }).checkUrl(new URL(url)))).toBe('allowed');
  });

  it('is not widened by a container address that the SDKs refuse', () => {
    const policy = policyOf({ AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://10.0.0.1/creds' });
    expect(reasonOf(() => policy.checkUrl(new URL('http://10.0.0.1/creds')))).toBe('HostDenied');
  });

  it('believes Google’s name only where it means the metadata server', () => {
    const check = (address: string) => reasonOf(() => policyOf().checkAddress('metadata.google.internal', 80, address));
    expect(['169.254.169.254', 'fd20:ce::254', '10.0.0.1', '127.0.0.1'].map(check)).toEqual([
      'allowed',
      'allowed',
      'HostDenied',
      'HostDenied',
    ]);
  });
});

describe('cloudApiPolicy', () => {
  it('is the usual one, but for what the environment names', () => {
    const policy = cloudApiPolicy(readCloudVariables({ AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:4566' }));
    const urls = [
      'https://sts.amazonaws.com',
      'http://127.0.0.1:4566',
      'http://127.0.0.1:4567',
      'http://sts.amazonaws.com',
    ];
    const verdicts = urls.map((url) => reasonOf(() => policy.checkUrl(new URL(url))));
    expect(verdicts).toEqual(['allowed', 'allowed', 'HostDenied', 'HostDenied']);
  });
});
