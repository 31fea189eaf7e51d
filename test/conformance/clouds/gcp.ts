// What Google makes of what the operator asks: Secret Manager by a token, and by workload identity federation.
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { absentName, areSame, type CloudSuite, casesWith, secret } from './contract.ts';

const facts = {
  project: 'number of the project',
  accessToken: 'of an identity that may read all names but those that are hidden (gcloud auth print-access-token)',
  secret: 'name of a secret whose newest version is an object of JSON',
  secretText: 'its text',
  field: 'a member of that object',
  fieldText: 'the text in it',
  firstText: 'text of version 1 of that secret',
  disabledVersion: 'number of a version of it that is disabled',
  bytesSecret: 'name of a secret of bytes',
  bytesBase64: 'its bytes',
  hiddenSecret: 'name of a secret that the identity may not read',
  otherProject: 'number of a project that the identity may not read',
  pool: 'workload identity pool of the project',
  provider: 'its provider, which trusts the issuer of token',
  account: 'service account that the subject of token may impersonate, and that may read secret',
  token: 'of a ServiceAccount, with the audience of the provider',
  strangerToken: 'one that the provider lets pass to no account: of another ServiceAccount, or of another audience',
} as const;

type Login = Readonly<{ project: string; accessToken: string }>;

const byToken = ({ project, accessToken }: Login, more: object) => ({
  login: { 'fn::open::gcp-login': { project: Number(project), accessToken: { accessToken: secret(accessToken) } } },
  ...more,
});
const byPool = (
  at: Readonly<{ project: string; pool: string; provider: string; account: string }>,
  more: object = {},
) => {
  const oidc = { workloadPoolId: at.pool, providerId: at.provider, serviceAccount: at.account };
  return { login: { 'fn::open::gcp-login': { project: Number(at.project), oidc } }, ...more };
};
const reading = (access: object) => ({ 'fn::open::gcp-secrets': { login: `\${login}`, access } });
/** One secret, as `read.it`. */
const one = (name: string, more: object = {}) => ({ read: reading({ it: { name, ...more } }) });

const shows = casesWith(facts, ['project', 'accessToken']);
const showsPool = casesWith(facts, ['project', 'pool', 'provider', 'account', 'token']);

export const gcp: CloudSuite = {
  facts,
  hosts: () => ['sts.googleapis.com', 'iamcredentials.googleapis.com', 'secretmanager.googleapis.com'],
  cases: [
    shows('gives the newest version of a secret', ['secret', 'secretText'], async (desk, at) => {
      const { read } = Object(await desk.values(byToken(at, one(at.secret))));
      strictEqual(read.it, at.secretText);
    }),
    shows('gives a field of a secret', ['secret', 'field', 'fieldText'], async (desk, at) => {
      const document = byToken(at, { ...one(at.secret), object: { 'fn::fromJSON': `\${read.it}` } });
      strictEqual(Object(await desk.values(document)).object[at.field], at.fieldText);
    }),
    shows('gives a version by its number', ['secret', 'firstText'], async (desk, at) => {
      const { read } = Object(await desk.values(byToken(at, one(at.secret, { version: 1 }))));
      strictEqual(read.it, at.firstText);
    }),
    shows('gives the bytes of a secret', ['bytesSecret', 'bytesBase64'], async (desk, at) => {
      const document = byToken(at, { ...one(at.bytesSecret), base64: { 'fn::toBase64': `\${read.it}` } });
      strictEqual(Object(await desk.values(document)).base64, at.bytesBase64);
    }),
    shows('tells a secret that is not there', [], (desk, at) =>
      desk.fails(byToken(at, one(absentName)), 'InvalidValue', /NOT_FOUND/),
    ),
    shows('tells a version that is not there', ['secret'], (desk, at) =>
      desk.fails(byToken(at, one(at.secret, { version: 999 })), 'InvalidValue', /NOT_FOUND/),
    ),
    shows('tells a version that is disabled', ['secret', 'disabledVersion'], (desk, at) =>
      desk.fails(
        byToken(at, one(at.secret, { version: Number(at.disabledVersion) })),
        'InvalidValue',
        /FAILED_PRECONDITION.*enable the version/,
      ),
    ),
    shows('tells a secret that the identity may not read', ['hiddenSecret'], (desk, at) =>
      desk.fails(byToken(at, one(at.hiddenSecret)), 'AccessDenied', /PERMISSION_DENIED/),
    ),
    shows('tells another project', ['secret', 'otherProject'], (desk, at) =>
      desk.fails(byToken({ ...at, project: at.otherProject }, one(at.secret)), 'AccessDenied', /PERMISSION_DENIED/),
    ),
    shows('tells a token that is none, or has ended', ['secret'], (desk, at) =>
      desk.fails(byToken({ ...at, accessToken: 'ya29.escapement-none' }, one(at.secret)), 'AccessDenied', /401/),
    ),
    shows('asks once for what several documents want of a secret', ['secret'], async (desk, at) => {
      const document = byToken(at, { ...one(at.secret), again: one(at.secret).read });
      await desk.together(document, document);
      strictEqual(desk.sent(), 1);
    }),
    showsPool('reads as a service account that a token impersonates', ['secret', 'secretText'], async (desk, at) => {
      const { login, read } = Object(await desk.values(byPool(at, one(at.secret))));
      deepStrictEqual([read.it, login.tokenType], [at.secretText, 'Bearer']);
    }),
    showsPool('says how long the token is good for', [], async (desk, at) => {
      const lifetimeMs = (await desk.lifetimeMs(byPool(at))) ?? 0;
      ok(lifetimeMs > 3_500_000 && lifetimeMs <= 3_601_000, `${lifetimeMs} ms`);
    }),
    showsPool('logs in once for all who log in alike', [], async (desk, at) => {
      areSame(await desk.together(byPool(at), byPool(at)));
      strictEqual(desk.sent(), 2);
    }),
    showsPool('tells a ServiceAccount that may not log in', ['strangerToken'], (desk, at) =>
      desk.as(at.strangerToken).fails(byPool(at), 'LoginRejected', /gcp-login: Google (?:STS|IAM)/),
    ),
    showsPool('tells a provider that is not there', [], (desk, at) =>
      desk.fails(byPool({ ...at, provider: absentName }), 'LoginRejected', /invalid_target/),
    ),
    showsPool('tells a service account that it may not impersonate', [], (desk, at) =>
      desk.fails(
        byPool({ ...at, account: `${absentName}@${absentName}.iam.gserviceaccount.com` }),
        'LoginRejected',
        /IAM/,
      ),
    ),
  ],
};
