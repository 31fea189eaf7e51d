// What AWS makes of what the operator asks: Secrets Manager and Parameter Store by keys, and by a role that a token of a
// ServiceAccount assumes.
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { absentName, areSame, type CloudSuite, casesWith, type Facts, secret } from './contract.ts';

const facts = {
  region: 'where all of it lies',
  accessKeyId: 'of an identity that may read all names but those that are hidden',
  secretAccessKey: 'of the same',
  sessionToken: 'of the same, where its keys are temporary',
  secret: 'name of a secret whose text is an object of JSON',
  secretText: 'its text',
  secretArn: 'its ARN',
  field: 'a member of that object',
  fieldText: 'the text in it',
  previousText: 'text of the version of that secret at AWSPREVIOUS',
  bytesSecret: 'name of a secret of bytes',
  bytesBase64: 'its bytes',
  hiddenSecret: 'name of a secret that the identity may not read',
  parameter: 'name of a parameter of type String, in its first version',
  parameterText: 'its text',
  listParameter: 'name of a StringList',
  listText: 'its entries, with commas',
  sealedParameter: 'name of a SecureString',
  sealedText: 'its text',
  hiddenParameter: 'name of a parameter that the identity may not read',
  otherRegion: 'another region, where no secret and no parameter has these names',
  endedAccessKeyId: 'of credentials of a role that have ended',
  endedSecretAccessKey: 'of the same',
  endedSessionToken: 'of the same',
  roleArn: 'a role that may read secret, and trusts the ServiceAccount of token',
  token: 'of a ServiceAccount, with the audience sts.amazonaws.com',
  strangerToken: 'of another ServiceAccount, whom the role does not trust',
} as const;

type Keys = Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }>;

/** A document that logs in with keys. */
const byKeys = (keys: Keys, more: object) => {
  const { accessKeyId, secretAccessKey, sessionToken } = keys;
  const session = sessionToken === undefined ? {} : { sessionToken: secret(sessionToken) };
  const given = { accessKeyId, secretAccessKey: secret(secretAccessKey), ...session };
  return { login: { 'fn::open::aws-login': { static: given } }, ...more };
};
const byRole = (roleArn: string, more: object = {}, terms: object = {}) => ({
  login: { 'fn::open::aws-login': { oidc: { roleArn, sessionName: 'escapement', ...terms } } },
  ...more,
});
const secrets = (region: string, get: object) => ({
  'fn::open::aws-secrets': { region, login: `\${login}`, get },
});
const parameters = (region: string, get: object) => ({
  'fn::open::aws-parameter-store': { region, login: `\${login}`, get },
});
/** One secret, as `read.it`. */
const oneSecret = (region: string, secretId: string, more: object = {}) => ({
  read: secrets(region, { it: { secretId, ...more } }),
});
const oneParameter = (region: string, name: string, more: object = {}) => ({
  read: parameters(region, { it: { name, ...more } }),
});

const shows = casesWith(facts, ['region', 'accessKeyId', 'secretAccessKey']);
const showsRole = casesWith(facts, ['region', 'roleArn', 'token']);

export const aws: CloudSuite = {
  facts,
  hosts: ({ region = '', otherRegion, roleArn }: Facts) =>
    ['secretsmanager', 'ssm', 'sts'].flatMap((service) =>
      [...new Set([region, otherRegion, roleArn && 'us-east-1'])].flatMap((each) =>
        each === undefined ? [] : [`${service}.${each}.amazonaws.com`],
      ),
    ),
  cases: [
    shows('gives the text of a secret', ['secret', 'secretText'], async (desk, at) => {
      const { read } = Object(await desk.values(byKeys(at, oneSecret(at.region, at.secret))));
      strictEqual(read.it, at.secretText);
    }),
    shows('gives a secret by its ARN', ['secretArn', 'secretText'], async (desk, at) => {
      const { read } = Object(await desk.values(byKeys(at, oneSecret(at.region, at.secretArn))));
      strictEqual(read.it, at.secretText);
    }),
    shows('gives a field of a secret', ['secret', 'field', 'fieldText'], async (desk, at) => {
      const object = { 'fn::fromJSON': `\${read.it}` };
      const { object: all } = Object(await desk.values(byKeys(at, { ...oneSecret(at.region, at.secret), object })));
      strictEqual(all[at.field], at.fieldText);
    }),
    shows('gives the version of a stage', ['secret', 'previousText'], async (desk, at) => {
      const previous = oneSecret(at.region, at.secret, { versionStage: 'AWSPREVIOUS' });
      const { read } = Object(await desk.values(byKeys(at, previous)));
      strictEqual(read.it, at.previousText);
    }),
    shows('gives the bytes of a secret', ['bytesSecret', 'bytesBase64'], async (desk, at) => {
      const base64 = { 'fn::toBase64': `\${read.it}` };
      const document = byKeys(at, { ...oneSecret(at.region, at.bytesSecret), base64 });
      strictEqual(Object(await desk.values(document)).base64, at.bytesBase64);
    }),
    shows('tells a secret that is not there', [], (desk, at) =>
      desk.fails(byKeys(at, oneSecret(at.region, absentName)), 'InvalidValue', /ResourceNotFoundException/),
    ),
    shows('tells a version that is not there', ['secret'], (desk, at) =>
      desk.fails(
        byKeys(at, oneSecret(at.region, at.secret, { versionStage: absentName })),
        'InvalidValue',
        /ResourceNotFoundException/,
      ),
    ),
    shows('tells a secret that the identity may not read', ['hiddenSecret'], (desk, at) =>
      desk.fails(byKeys(at, oneSecret(at.region, at.hiddenSecret)), 'AccessDenied', /AccessDeniedException/),
    ),
    shows('tells another region', ['secret', 'otherRegion'], (desk, at) =>
      desk.fails(byKeys(at, oneSecret(at.otherRegion, at.secret)), 'InvalidValue', new RegExp(at.otherRegion)),
    ),
    shows('tells a key that nobody knows', ['secret'], (desk, at) => {
      const { region } = at;
      const keys = { accessKeyId: 'AKIAESCAPEMENTNOBODY', secretAccessKey: at.secretAccessKey };
      return desk.fails(byKeys(keys, oneSecret(region, at.secret)), 'LoginRejected', /UnrecognizedClientException/);
    }),
    shows('tells a secret key that is another', ['secret'], (desk, at) => {
      const keys = { ...at, secretAccessKey: `${at.secretAccessKey.slice(0, -1)}~` };
      return desk.fails(byKeys(keys, oneSecret(at.region, at.secret)), 'LoginRejected', /InvalidSignatureException/);
    }),
    shows(
      'tells credentials that have ended',
      ['secret', 'endedAccessKeyId', 'endedSecretAccessKey', 'endedSessionToken'],
      (desk, at) => {
        const keys = {
          accessKeyId: at.endedAccessKeyId,
          secretAccessKey: at.endedSecretAccessKey,
          sessionToken: at.endedSessionToken,
        };
        return desk.fails(byKeys(keys, oneSecret(at.region, at.secret)), 'AccessDenied', /ExpiredTokenException/);
      },
    ),
    shows('asks once for what several documents want of a secret', ['secret'], async (desk, at) => {
      const document = byKeys(at, { ...oneSecret(at.region, at.secret), again: oneSecret(at.region, at.secret).read });
      await desk.together(document, document);
      strictEqual(desk.sent(), 1);
    }),
    shows('gives a parameter, alone and by its version', ['parameter', 'parameterText'], async (desk, at) => {
      const wanted = { it: { name: at.parameter }, first: { name: `${at.parameter}:1` } };
      const { read } = Object(await desk.values(byKeys(at, { read: parameters(at.region, wanted) })));
      deepStrictEqual(read, { it: at.parameterText, first: at.parameterText });
    }),
    shows('gives the entries of a list', ['listParameter', 'listText'], async (desk, at) => {
      const { read } = Object(await desk.values(byKeys(at, oneParameter(at.region, at.listParameter))));
      deepStrictEqual(read.it, at.listText.split(','));
    }),
    shows('opens a sealed parameter when told', ['sealedParameter', 'sealedText'], async (desk, at) => {
      const wanted = { open: { name: at.sealedParameter, decrypt: true }, sealed: { name: at.sealedParameter } };
      const { read } = Object(await desk.values(byKeys(at, { read: parameters(at.region, wanted) })));
      strictEqual(read.open, at.sealedText);
      ok(read.sealed !== at.sealedText && read.sealed !== '', 'what is sealed stays so');
    }),
    shows('asks once for ten parameters', ['parameter', 'listParameter'], async (desk, at) => {
      const names = [at.parameter, at.listParameter, at.parameter].map((name, i) => [`p${i}`, { name }]);
      await desk.values(byKeys(at, { read: parameters(at.region, Object.fromEntries(names)) }));
      strictEqual(desk.sent(), 1);
    }),
    shows('tells a parameter that is not there', [], (desk, at) =>
      desk.fails(byKeys(at, oneParameter(at.region, absentName)), 'InvalidValue', /there is no parameter/),
    ),
    shows('tells a version of a parameter that is not there', ['parameter'], (desk, at) =>
      desk.fails(byKeys(at, oneParameter(at.region, `${at.parameter}:99`)), 'InvalidValue', /there is no parameter/),
    ),
    shows('tells a parameter that the identity may not read', ['hiddenParameter'], (desk, at) =>
      desk.fails(byKeys(at, oneParameter(at.region, at.hiddenParameter)), 'AccessDenied', /AccessDeniedException/),
    ),
    shows('tells another region of a parameter', ['parameter', 'otherRegion'], (desk, at) =>
      desk.fails(byKeys(at, oneParameter(at.otherRegion, at.parameter)), 'InvalidValue', new RegExp(at.otherRegion)),
    ),
    showsRole('reads by a role that a token assumes', ['secret', 'secretText'], async (desk, at) => {
      const document = byRole(at.roleArn, oneSecret(at.region, at.secret));
      const { login, read } = Object(await desk.values(document));
      strictEqual(read.it, at.secretText);
      ok(login.sessionToken.length > 0 && login.accessKeyId.startsWith('ASIA'), 'the keys are temporary');
    }),
    showsRole('says how long the credentials of a role are good for', [], async (desk, { roleArn }) => {
      const lifetimeMs = (await desk.lifetimeMs(byRole(roleArn))) ?? 0;
      ok(lifetimeMs > 850_000 && lifetimeMs <= 7_201_000, `${lifetimeMs} ms`);
    }),
    showsRole('assumes a role once for all who log in alike', [], async (desk, { roleArn }) => {
      const document = byRole(roleArn, {}, { duration: '15m' });
      areSame(await desk.together(document, document));
      strictEqual(desk.sent(), 1);
    }),
    showsRole('tells a ServiceAccount that the role does not trust', ['strangerToken'], (desk, at) =>
      desk.as(at.strangerToken).fails(byRole(at.roleArn), 'LoginRejected', /trust policy/),
    ),
    showsRole('tells a role that is not there', [], (desk, { roleArn }) =>
      desk.fails(byRole(roleArn.replace(/role\/.*$/, `role/${absentName}`)), 'LoginRejected', /trust policy/),
    ),
  ],
};
