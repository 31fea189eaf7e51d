// What Microsoft Entra and Key Vault make of what the operator asks, by a client secret and by a token of a ServiceAccount.
import { ok, strictEqual } from 'node:assert';
import { absentName, type CloudSuite, casesWith, type Facts, secret } from './contract.ts';

const facts = {
  tenantId: 'of the application and of the vault',
  clientId: 'of an application that may read the vault',
  clientSecret: 'of the application',
  vault: 'name of the vault',
  secret: 'name of a secret whose newest version is an object of JSON',
  secretText: 'its text',
  field: 'a member of that object',
  fieldText: 'the text in it',
  version: 'an older version of that secret',
  versionText: 'its text',
  disabledSecret: 'name of a secret that is disabled',
  hiddenSecret:
    'name of a secret of vault that the application may not read, though it may read those that are not there',
  hiddenVault: 'name of a vault on which the application has no right',
  token:
    'of a ServiceAccount that a federated credential of the application names, audience api://AzureADTokenExchange',
  strangerToken: 'of another ServiceAccount',
} as const;

type Application = Readonly<{ tenantId: string; clientId: string; clientSecret: string }>;

const bySecret = ({ tenantId, clientId, clientSecret }: Application, more: object) => ({
  login: { 'fn::open::azure-login': { tenantId, clientId, clientSecret: secret(clientSecret) } },
  ...more,
});
const byToken = ({ tenantId, clientId }: Omit<Application, 'clientSecret'>, more: object) => ({
  login: { 'fn::open::azure-login': { tenantId, clientId, oidc: true } },
  ...more,
});
const reading = (vault: string, get: object) => ({
  'fn::open::azure-secrets': { login: `\${login}`, vault, get },
});
/** One secret, as `read.it`. */
const one = (vault: string, name: string, more: object = {}) => ({ read: reading(vault, { it: { name, ...more } }) });

const shows = casesWith(facts, ['tenantId', 'clientId', 'clientSecret', 'vault']);
const showsToken = casesWith(facts, ['tenantId', 'clientId', 'vault', 'token', 'secret']);

export const azure: CloudSuite = {
  facts,
  hosts: ({ vault, hiddenVault }: Facts) => [
    'login.microsoftonline.com',
    ...[vault, hiddenVault].flatMap((name) => (name === undefined ? [] : [`${name}.vault.azure.net`])),
  ],
  cases: [
    shows('gives the newest version of a secret', ['secret', 'secretText'], async (desk, at) => {
      const { read } = Object(await desk.values(bySecret(at, one(at.vault, at.secret))));
      strictEqual(read.it, at.secretText);
    }),
    shows('gives a secret by its identifier', ['secret', 'secretText'], async (desk, at) => {
      const get = { it: `https://${at.vault}.vault.azure.net/secrets/${at.secret}` };
      const { read } = Object(await desk.values(bySecret(at, { read: reading(at.vault, get) })));
      strictEqual(read.it, at.secretText);
    }),
    shows('gives a field of a secret', ['secret', 'field', 'fieldText'], async (desk, at) => {
      const document = bySecret(at, { ...one(at.vault, at.secret), object: { 'fn::fromJSON': `\${read.it}` } });
      strictEqual(Object(await desk.values(document)).object[at.field], at.fieldText);
    }),
    shows('gives an older version', ['secret', 'version', 'versionText'], async (desk, at) => {
      const { read } = Object(await desk.values(bySecret(at, one(at.vault, at.secret, { version: at.version }))));
      strictEqual(read.it, at.versionText);
    }),
    shows('tells a secret that is not there', [], (desk, at) =>
      desk.fails(bySecret(at, one(at.vault, absentName)), 'InvalidValue', /SecretNotFound/),
    ),
    shows('tells a version that is not there', ['secret'], (desk, at) =>
      desk.fails(bySecret(at, one(at.vault, at.secret, { version: '0'.repeat(32) })), 'InvalidValue', /SecretNotFound/),
    ),
    shows('tells a secret that is disabled', ['disabledSecret'], (desk, at) =>
      desk.fails(bySecret(at, one(at.vault, at.disabledSecret)), 'InvalidValue', /enable the secret/),
    ),
    shows('tells a secret that the application may not read', ['hiddenSecret'], (desk, at) =>
      desk.fails(bySecret(at, one(at.vault, at.hiddenSecret)), 'AccessDenied', /Forbidden/),
    ),
    shows('tells a vault that the application may not read', ['secret', 'hiddenVault'], (desk, at) =>
      desk.fails(bySecret(at, one(at.hiddenVault, at.secret)), 'AccessDenied', /Forbidden/),
    ),
    shows('tells a vault that is not there', [], (desk, at) =>
      desk.fails(
        bySecret(at, one('escapement-none-000000', absentName)),
        'UpstreamUnavailable',
        /escapement-none-000000\.vault\.azure\.net/,
      ),
    ),
    shows('tells a client secret that is another', ['secret'], (desk, at) =>
      desk.fails(
        bySecret({ ...at, clientSecret: `${at.clientSecret}~` }, one(at.vault, at.secret)),
        'LoginRejected',
        /AADSTS7000215/,
      ),
    ),
    shows('tells an application that is not there', ['secret'], (desk, at) =>
      desk.fails(
        bySecret({ ...at, clientId: '00000000-0000-4000-8000-00000000e5ca' }, one(at.vault, at.secret)),
        'LoginRejected',
        /AADSTS700016/,
      ),
    ),
    shows('tells a tenant that is not there', ['secret'], (desk, at) =>
      desk.fails(
        bySecret({ ...at, tenantId: '00000000-0000-4000-8000-00000000e5ca' }, one(at.vault, at.secret)),
        'LoginRejected',
        /AADSTS90002/,
      ),
    ),
    shows('asks once for what several documents want of a secret', ['secret'], async (desk, at) => {
      const document = bySecret(at, { ...one(at.vault, at.secret), again: one(at.vault, at.secret).read });
      await desk.together(document, document);
      strictEqual(desk.sent(), 2);
    }),
    showsToken('reads by a token of a ServiceAccount', ['secretText'], async (desk, at) => {
      const { read } = Object(await desk.values(byToken(at, one(at.vault, at.secret))));
      strictEqual(read.it, at.secretText);
    }),
    showsToken('says how long the token is good for', [], async (desk, at) => {
      const lifetimeMs = (await desk.lifetimeMs(byToken(at, one(at.vault, at.secret)))) ?? 0;
      ok(lifetimeMs > 60_000, `${lifetimeMs} ms`);
    }),
    showsToken('tells a ServiceAccount that no credential names', ['strangerToken'], (desk, at) =>
      desk.as(at.strangerToken).fails(byToken(at, one(at.vault, at.secret)), 'LoginRejected', /AADSTS70021/),
    ),
  ],
};
