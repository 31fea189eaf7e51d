// Credentials of AWS that are taken back at random, between requests and amid them: what an Environment opens is of one
// generation, or nothing. CLOUD_OPENINGS says how often.
import { expect, it } from 'vitest';
import { seededRandom } from '../../../../test/oracle/random.ts';
import { roleArn } from '../../../../test/support/cloud/aws-apis.ts';
import { cloudsScene } from './clouds.fixture.ts';

const openings = Number(process.env['CLOUD_OPENINGS'] ?? 100);
const together = 20;

it('gives a triple of one generation, and what was read with it', { timeout: 600_000 }, async () => {
  const { bench, clock, clouds } = await cloudsScene();
  const { aws } = clouds;
  const random = seededRandom(11);
  const textFor = (signer: { readonly accessKeyId: string } | undefined) => {
    if (random.chance(0.2)) aws.forgetKeys('reader');
    return signer?.accessKeyId ?? '';
  };
  aws.secrets.set('us-west-2/reader', [{ textFor }]);
  aws.secrets.set('us-west-2/zone', [{ text: 'us-west-2' }]);
  const documentOf = (session: number) => {
    const oidc = { roleArn: roleArn('reader'), sessionName: `session-${session}` };
    const read = (secretId: string) => ({
      'fn::open::aws-secrets': { region: 'us-west-2', login: `\${login}`, get: { by: { secretId } } },
    });
    return {
      values: {
        login: { 'fn::open::aws-login': { oidc } },
        read: read('reader'),
        zone: read('zone'),
        // In another round, with the same login.
        later: {
          'fn::open::aws-parameter-store': {
            region: `\${zone.by}`,
            login: `\${login}`,
            get: { db: { name: 'prod-db' } },
          },
        },
      },
    };
  };
  const seen = new Set<string>();
  let refused = 0;
  for (let done = 0; done < openings; done += together) {
    if (random.chance(0.4)) aws.forgetKeys('reader');
    const notBeforeMs = clock.monotonicMs();
    const order = { notBeforeMs };
    const opened = await Promise.all(
      Array.from({ length: together }, (_, at) => bench.open({ 'shop/app': documentOf(at % 3) }, order)),
    );
    const given = new Map(aws.given().map((key) => [key.accessKeyId, key]));
    for (const { value, error } of opened) {
      // Taken back twice in one opening.
      if (error !== undefined) {
        refused++;
        expect(error.reason).toBe('AccessDenied');
        continue;
      }
      const { login, read } = Object(value);
      const key = given.get(login.accessKeyId);
      expect([login.secretAccessKey, login.sessionToken, read.by]).toEqual([
        key?.secretAccessKey,
        key?.sessionToken,
        login.accessKeyId,
      ]);
      seen.add(login.accessKeyId);
    }
  }
  expect(seen.size).toBeGreaterThan(openings / together / 2);
  expect(refused).toBeLessThan(openings / 2);
});
