// Environments that read from AWS: the double at AWS's own names, the door as the operator opens it, and tokens of
// ServiceAccounts as the cluster signs them. For the tests beside this file.

import { onTestFinished } from 'vitest';
import { roleArn, startAwsApis } from '../../../../test/support/cloud/aws-apis.ts';
import { startCloudHosts } from '../../../../test/support/cloud/cloud-hosts.ts';
import { createJwtIssuer } from '../../../../test/support/jwt-issuer.ts';
import type { Credentials } from '../../../auth/contract.ts';
import { Sessions } from '../../../auth/session.ts';
import { type Clock, systemClock } from '../../../base/clock.ts';
import { asOperatorError, OperatorError } from '../../../base/operator-error.ts';
import { plainJson } from '../../../core/esc/export.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import { createEgressPolicy, type HostRules } from '../../../http/egress.ts';
import { createProxyRules } from '../../../http/proxy.ts';
import { createUpstreamDoor, type DoorLimits } from '../../../http/upstream.ts';
import { clusterOf, openInline } from '../esc.fixture.ts';
import { noOthers } from './opening.fixture.ts';
import { escProviders } from './table.ts';

const signal = new AbortController().signal;

/** What the ServiceAccount `default` of namespace `shop` is to AWS. */
export const shopDefault = { subject: 'system:serviceaccount:shop:default', audience: 'sts.amazonaws.com' };

interface SceneOptions {
  readonly rules?: Partial<HostRules>;
  readonly limits?: Partial<DoorLimits>;
  /** How far the operator's clock is ahead of AWS's. */
  readonly skewMs?: number;
  /** What the cluster gives in place of its tokens. */
  readonly forgedToken?: string;
}

export async function awsScene(options: SceneOptions = {}) {
  const { forgedToken, limits = {}, rules, skewMs = 0 } = options;
  let aheadMs = 0;
  const clock: Clock = {
    nowMs: () => systemClock.nowMs() + aheadMs + skewMs,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
    after: (delayMs, run) => systemClock.after(delayMs, run),
  };
  const issuer = await createJwtIssuer('https://cluster.test');
  const apis = await startAwsApis({ clock: { nowMs: () => clock.nowMs() - skewMs }, issuer });
  const hosts = await startCloudHosts(apis.routes);
  const door = createUpstreamDoor({
    policy: createEgressPolicy({ insecureHosts: [], ...rules }),
    proxy: createProxyRules({ httpProxy: undefined, httpsProxy: hosts.proxyUrl, noProxy: undefined }),
    userAgent: 'escapement/test',
    clock: systemClock,
    limits,
  });
  onTestFinished(async () => {
    door.close();
    await hosts.stop();
    await apis.stop();
  });
  const credentialsIn = (namespace: string): Credentials => ({
    secretKey: () => Promise.reject(new OperatorError('ReferenceNotFound', 'none here')),
    serviceAccount: async ({ name, audiences = [] }) => ({
      name: `${namespace}/${name}`,
      audiences,
      async mint() {
        const claims = { sub: `system:serviceaccount:${namespace}:${name}`, aud: audiences };
        return new SecretValue(forgedToken ?? (await issuer.sign(claims)));
      },
    }),
    ambient() {
      throw new OperatorError('IdentityDenied', 'none here');
    },
  });
  // Doors of stores take a CA from their manifest; the real AWS needs none.
  const trusting = { open: () => door.open({ caPem: hosts.caPem }), close() {} };
  const providers = escProviders({ ...noOthers, door: trusting, clock, sessions: new Sessions({ clock }) });
  apis.roles.set('reader', { ...shopDefault, maxSessionSeconds: 7_200 });

  /** Opens a document of namespace `shop` (or `other`): its values and how long they last, or the error. */
  const open = async (values: object, order: { readonly notBeforeMs?: number; readonly namespace?: string } = {}) => {
    const { namespace = 'shop', notBeforeMs = 0 } = order;
    const name = `${namespace}/app`;
    const cluster = { ...clusterOf({ environments: { [name]: { values } } }), credentialsIn };
    try {
      const asked = { name, consumer: namespace, holder: name, notBeforeMs };
      const { lifetimeMs, value } = await openInline(asked, { cluster, providers }, signal);
      return { value: plainJson(value, { redact: false }), shown: plainJson(value, { redact: true }), lifetimeMs };
    } catch (thrown) {
      const { message, reason, retryAfterMs } = asOperatorError(thrown);
      return { reason, message, retryAfterMs };
    }
  };
  return {
    apis,
    open,
    now: () => clock.monotonicMs(),
    pass: (ms: number) => {
      aheadMs += ms;
    },
  };
}

/** `aws.login` by the role `reader`, and whatever else the document holds under `aws`. */
export function withLogin(rest: object = {}, login: object = {}) {
  const oidc = { roleArn: roleArn('reader'), sessionName: 'shop-session' };
  return { aws: { login: { 'fn::open::aws-login': { oidc, ...login } }, ...rest } };
}

export const secretsOf = (get: object, region = 'us-west-2') => ({
  'fn::open::aws-secrets': { region, login: `\${aws.login}`, get },
});

export const parametersOf = (get: object, region = 'us-west-2') => ({
  'fn::open::aws-parameter-store': { region, login: `\${aws.login}`, get },
});
