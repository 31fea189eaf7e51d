// What Pulumi Cloud makes of what the operator asks: environments that Environments name, and stores of Pulumi ESC.
import { ok, strictEqual } from 'node:assert';
import { gatherPulumiPrincipal, pulumiLogin } from '../../../src/auth/pulumi/table.ts';
import { asOperatorError, OperatorError } from '../../../src/base/operator-error.ts';
import { SecretValue } from '../../../src/core/secret-value.ts';
import { pulumiSpec } from '../../../src/crds/pulumi.ts';
import { createPulumiProvider } from '../../../src/providers/pulumi/provider.ts';
import { noCluster } from '../../support/no-cluster.ts';
import { absentName, areSame, type CloudSuite, casesWith, secret } from './contract.ts';
import type { CloudDesk } from './desk.ts';

const facts = {
  apiUrl: 'root of the ESC API, such as https://api.pulumi.com/api/esc; --base-url is the same',
  accessToken: 'of a user or organization that may open the environment',
  environment: 'organization/project/environment',
  key: 'a value of it, at the top, that is text',
  keyText: 'its text',
  version: 'an older revision of it, by number or tag',
  versionText: 'the text of key in there',
  token: 'of a ServiceAccount whose issuer the organization trusts, audience urn:pulumi:org:ORGANIZATION',
  strangerToken: 'one that fits no policy of the organization',
} as const;

type Place = Readonly<{ apiUrl: string; environment: string }>;

const opening = ({ apiUrl, environment }: Place, login: object) => ({
  cloud: { 'fn::open::pulumi-environment': { apiUrl, environment, ...login } },
});
const byKey = (at: Place & Readonly<{ accessToken: string }>) =>
  opening(at, { static: { accessToken: secret(at.accessToken) } });
const byToken = (at: Place) => {
  const [organization] = at.environment.split('/');
  return opening(at, { oidc: { audience: `urn:pulumi:org:${organization}` } });
};

/** What a store reads under the key: its text, or the reason. */
async function storeReads(
  desk: CloudDesk,
  { apiUrl, environment: name, accessToken }: Place & Readonly<{ accessToken: string }>,
  key: string,
): Promise<string> {
  const [organization, project, environment] = name.split('/');
  const auth = { accessToken: { secretRef: { name: 'pulumi', key: 'token' } } };
  const provider = createPulumiProvider({
    door: desk.door,
    sessions: desk.sessions,
    clock: desk.clock,
    gatherPrincipal: gatherPulumiPrincipal,
    loginOf: pulumiLogin,
  });
  const { signal } = new AbortController();
  const context = {
    storeKind: 'SecretStore' as const,
    storeName: 'pulumi',
    storeNamespace: 'shop',
    consumerNamespace: undefined,
    cluster: noCluster,
    credentials: { secretKey: async () => new SecretValue(accessToken), serviceAccount: none, ambient: none },
    caText: async () => '',
    holder: 'store',
  };
  try {
    const spec = pulumiSpec.parse({ apiUrl, organization, project, environment, auth });
    const reader = await provider.connect(spec, context, signal);
    const [result] = await reader.read([{ kind: 'value', key }], { notBeforeMs: performance.now() }, signal);
    if (result === undefined) return 'nothing';
    return 'error' in result ? result.error.reason : (result.values.get(key)?.text() ?? 'nothing');
  } catch (thrown) {
    return asOperatorError(thrown).reason;
  }
}

function none(): never {
  throw new OperatorError('Internal', 'none here');
}

const shows = casesWith(facts, ['apiUrl', 'accessToken', 'environment']);
const showsToken = casesWith(facts, ['apiUrl', 'environment', 'token']);

export const pulumi: CloudSuite = {
  facts,
  address: 'apiUrl',
  cases: [
    shows('gives the values of an environment', ['key', 'keyText'], async (desk, at) => {
      strictEqual(Object(await desk.values(byKey(at))).cloud[at.key], at.keyText);
    }),
    shows('gives those of a revision', ['key', 'version', 'versionText'], async (desk, at) => {
      const { cloud } = Object(await desk.values(byKey({ ...at, environment: `${at.environment}@${at.version}` })));
      strictEqual(cloud[at.key], at.versionText);
    }),
    shows('opens once for all who open the same', [], async (desk, at) => {
      areSame(await desk.together(byKey(at), byKey(at)));
      strictEqual(desk.sent(), 2);
    }),
    shows('tells an environment that is not there', [], (desk, at) =>
      desk.fails(byKey({ ...at, environment: `${at.environment}-${absentName}` }), 'ScopeNotFound', /escapement-none/),
    ),
    shows('tells a revision that is not there', [], (desk, at) =>
      desk.fails(byKey({ ...at, environment: `${at.environment}@999999` }), 'ScopeNotFound', /999999/),
    ),
    shows('tells an organization that the token does not see', [], (desk, at) =>
      desk.fails(byKey({ ...at, environment: `${absentName}-000000/shop/prod` }), 'ScopeNotFound', /escapement-none/),
    ),
    shows('tells a token that is another', [], (desk, at) =>
      desk.fails(byKey({ ...at, accessToken: `pul-${'0'.repeat(40)}` }), 'LoginRejected', /refused/),
    ),
    shows('gives a store one value', ['key', 'keyText'], async (desk, at) => {
      strictEqual(await storeReads(desk, at, at.key), at.keyText);
    }),
    shows('tells a store a value that is not there', [], async (desk, at) => {
      strictEqual(await storeReads(desk, at, absentName), 'SecretNotFound');
    }),
    shows('tells a store an environment that is not there', ['key'], async (desk, at) => {
      const elsewhere = { ...at, environment: `${at.environment}-${absentName}` };
      strictEqual(await storeReads(desk, elsewhere, at.key), 'ScopeNotFound');
    }),
    shows('tells a store a token that is another', ['key'], async (desk, at) => {
      strictEqual(await storeReads(desk, { ...at, accessToken: `pul-${'0'.repeat(40)}` }, at.key), 'LoginRejected');
    }),
    showsToken('takes a token of a ServiceAccount', [], async (desk, at) => {
      ok(Object.keys(Object(await desk.values(byToken(at))).cloud).length > 0);
    }),
    showsToken('exchanges a token once for all who log in alike', [], async (desk, at) => {
      await desk.together(byToken(at), byToken(at));
      strictEqual(desk.sent(), 3);
    }),
    showsToken('tells a ServiceAccount that no policy lets in', ['strangerToken'], (desk, at) =>
      desk.as(at.strangerToken).fails(byToken(at), 'LoginRejected', /pulumi-environment/),
    ),
  ],
};
