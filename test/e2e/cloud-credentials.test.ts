// Credentials of clouds that are short-lived, in Secrets of consumers: whole, however they are rotated meanwhile, and renewed
// before they run out. More of it by the variables below, such as ten minutes of faults for credentials of a minute.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { seededRandom } from '../oracle/random.ts';
import { type Clouds, startClouds } from '../support/cloud/clouds.ts';
import { consumed } from '../support/cloud/consumed.ts';
import { googlePool, googleProject, googleReader } from '../support/cloud/google-federation.ts';
import { clusterIssuer } from '../support/cluster-trust.ts';
import { createScene, decoded, type Scene } from '../support/scene.ts';
import { pause, until } from '../support/wait.ts';

const openings = Number(process.env['CLOUD_OPENINGS'] ?? 40);
const lifeSeconds = Number(process.env['CLOUD_LIFE_SECONDS'] ?? 20);
const spanSeconds = Number(process.env['CLOUD_SPAN_SECONDS'] ?? 16);
/** Shorter lives leave no room for a fault: a renewal that fails is tried again after a second, a host that is down after three. */
const hasFaults = lifeSeconds >= 60;

let scene: Scene;
let clouds: Clouds;

beforeAll(async () => {
  clouds = await startClouds({
    trust: await clusterIssuer(inject('controlPlane')),
    vaults: [],
    github: { appId: 1, organization: 'acme', repositories: [] },
  });
  scene = await createScene('cloud-credentials', {
    operator: false,
    env: clouds.env,
    values: { rbac: { serviceAccountTokenCreate: true } },
  });
  await scene.startOperator();
});

afterAll(async () => {
  await scene.end();
  await clouds.stop();
});

const trusted = () => ({
  subject: `system:serviceaccount:${scene.namespace}:default`,
  audience: 'sts.amazonaws.com',
  maxSessionSeconds: 7_200,
});

const loginOf = (role: string, sessionName: string) => ({
  'fn::open::aws-login': { oidc: { roleArn: `arn:aws:iam::123456789012:role/${role}`, sessionName } },
});
const triple = {
  ID: `\${login.accessKeyId}`,
  KEY: `\${login.secretAccessKey}`,
  SESSION: `\${login.sessionToken}`,
};

describe.concurrent('a short-lived credential', () => {
  it('is of one generation in every Secret, however it is rotated meanwhile', { timeout: 3_600_000 }, async () => {
    const { aws } = clouds;
    const random = seededRandom(7);
    let reads = 0;
    aws.roles.set('rotated', trusted());
    // What is read says whose credentials read it; now and then that is the end of them.
    const textFor = (signer: { readonly accessKeyId: string } | undefined) => {
      reads++;
      if (random.chance(0.2)) aws.forgetKeys('rotated');
      return signer?.accessKeyId ?? '';
    };
    aws.secrets.set('us-east-1/reader', [{ textFor }]);
    const names = ['rotated-0', 'rotated-1', 'rotated-2', 'rotated-3'];
    const get = { by: { secretId: 'reader' } };
    const read = { 'fn::open::aws-secrets': { region: 'us-east-1', login: `\${login}`, get } };
    const environmentVariables = { ...triple, READ_BY: `\${read.by}` };
    await scene.apply(
      ...names.flatMap((name) => consumed(name, { login: loginOf('rotated', name), read, environmentVariables }, '1s')),
    );
    while (reads < openings) {
      await pause(100 + random.below(400));
      aws.forgetKeys('rotated');
    }
    const versions = scene.secrets
      .history()
      .filter(({ type, object }) => type !== 'DELETED' && object.metadata.name.startsWith('rotated-'))
      .map(({ object }) => decoded(object));
    const given = new Map(aws.given().map((key) => [key.accessKeyId, key]));
    for (const { ID = '', KEY, SESSION, READ_BY } of versions) {
      const { secretAccessKey, sessionToken } = given.get(ID) ?? {};
      expect([KEY, SESSION, READ_BY]).toEqual([secretAccessKey, sessionToken, ID]);
    }
    const generations = new Set(versions.map(({ ID }) => ID)).size;
    say(`${reads} openings, ${generations} generations in ${versions.length} versions of ${2 * names.length} Secrets`);
    expect(generations).toBeGreaterThan(names.length);
  });

  it('has not run out where its cloud could be reached', { timeout: 3_600_000 }, async () => {
    const { aws, google } = clouds;
    aws.roles.set('short', { ...trusted(), lifeSeconds });
    google.subject = trusted().subject;
    const oidc = { ...googlePool, serviceAccount: googleReader, tokenLifetime: `${lifeSeconds}s` };
    const googleLogin = { 'fn::open::gcp-login': { project: Number(googleProject), oidc } };
    const environmentVariables = { TOKEN: `\${login.accessToken}`, ENDS: `\${login.expiry}` };
    await scene.apply(
      ...consumed('short-aws', { login: loginOf('short', 'short'), environmentVariables: triple }, '1h'),
      ...consumed('short-gcp', { login: googleLogin, environmentVariables }, '1h'),
    );
    /** When what the Secret holds ends, epoch ms. */
    const endOf = (name: string) => {
      const secret = scene.secrets.get(name);
      const { ID, ENDS = '' } = secret === undefined ? {} : decoded(secret);
      const key = aws.given().find(({ accessKeyId }) => accessKeyId === ID);
      return key?.expiresAtMs ?? Date.parse(ENDS);
    };
    const consumers = ['short-aws', 'short-aws-published', 'short-gcp', 'short-gcp-published'];
    await until('all are there', () => consumers.every((name) => !Number.isNaN(endOf(name))));
    const isDown = hasFaults ? faultsOver(spanSeconds * 1_000) : () => false;
    const startMs = Date.now();
    let [reachableSinceMs, leastLeftMs, over, looks, downLooks] = [startMs, Number.POSITIVE_INFINITY, 0, 0, 0];
    for (let nowMs = startMs; nowMs < startMs + spanSeconds * 1_000; nowMs = Date.now()) {
      const down = isDown(nowMs - startMs);
      const answer = down ? { status: 503 } : undefined;
      for (const double of [aws.http, google.sts, google.iam]) double.answerWith(answer);
      if (down) reachableSinceMs = Number.POSITIVE_INFINITY;
      else reachableSinceMs = Math.min(reachableSinceMs, nowMs);
      looks++;
      if (down) downLooks++;
      const leftMs = Math.min(...consumers.map((name) => endOf(name) - nowMs));
      // Whatever has been reachable for the half of its life.
      if (nowMs - reachableSinceMs >= (lifeSeconds * 1_000) / 2 + 1_000) {
        leastLeftMs = Math.min(leastLeftMs, leftMs);
        expect([Math.round((nowMs - startMs) / 1_000), leftMs > 0]).toEqual([expect.any(Number), true]);
      } else if (leftMs <= 0) over++;
      await pause(250);
    }
    const renewals = aws.given().filter(({ arn }) => arn.includes('/short/')).length;
    say(
      `life ${lifeSeconds} s over ${spanSeconds} s, ${Math.round((100 * downLooks) / looks)} % of it down: ` +
        `${renewals} logins at AWS and ${google.iam.requests.length} requests at Google for ${consumers.length} consumers; ` +
        `least left while reachable ${Math.round(leastLeftMs / 100) / 10} s, over in ${over} of ${looks} looks, all amid faults`,
    );
    expect(renewals).toBeGreaterThan(1);
  });
});

/** Whether the clouds are down, by ms from the start: up to 45 s at a time. */
function faultsOver(spanMs: number): (atMs: number) => boolean {
  const random = seededRandom(1);
  const faults: { readonly fromMs: number; readonly toMs: number }[] = [];
  for (let fromMs = 10_000; fromMs < spanMs; fromMs += 20_000 + random.below(40_000)) {
    faults.push({ fromMs, toMs: fromMs + random.below(45_000) });
  }
  return (atMs) => faults.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
}

function say(line: string): void {
  process.stdout.write(`cloud credentials: ${line}\n`);
}
