// What GitHub makes of what the operator asks: tokens of the installations of an app.
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { generateKeyPairSync } from 'node:crypto';
import { absentName, areSame, type CloudSuite, casesWith, secret } from './contract.ts';

const facts = {
  host: 'a GitHub Enterprise Server in place of github.com',
  appId: 'of the app',
  privateKey: 'of the app, as PEM',
  owner: 'an organization that has installed it',
  user: 'a user who has installed it',
  repository: 'a repository of owner that the installation sees',
  permission: 'a permission that the installation has for reading, such as contents',
} as const;

type App = Readonly<{ appId: string; privateKey: string; owner: string; host?: string }>;

const loginOf = ({ appId, privateKey, owner, host }: App, more: object = {}) => ({
  gh: {
    'fn::open::gh-login': {
      appId: Number(appId),
      privateKey: secret(privateKey),
      owner,
      ...(host === undefined ? {} : { ghe: { host } }),
      ...more,
    },
  },
});

const shows = casesWith(facts, ['appId', 'privateKey', 'owner']);

export const github: CloudSuite = {
  facts,
  hosts: ({ host }) => (host === undefined ? ['api.github.com'] : []),
  cases: [
    shows('gives a token of the installation, and says when it ends', [], async (desk, at) => {
      const { gh } = Object(await desk.values(loginOf(at)));
      ok(gh.accessToken.length > 0 && gh.appSlug.length > 0 && gh.installationId > 0);
      deepStrictEqual([gh.appId, gh.type], [Number(at.appId), 'installation']);
      const leftMs = Date.parse(gh.expiry) - Date.now();
      ok(leftMs > 3_300_000 && leftMs <= 3_610_000, `${leftMs} ms`);
    }),
    shows('narrows a token to a repository and a permission', ['repository', 'permission'], async (desk, at) => {
      const terms = { repositories: [at.repository], permissions: { [at.permission]: 'read' } };
      ok(Object(await desk.values(loginOf(at, terms))).gh.accessToken.length > 0);
    }),
    shows('gives one token to all who ask for the same', [], async (desk, at) => {
      areSame(await desk.together(loginOf(at), loginOf(at)));
      strictEqual(desk.sent(), 2);
    }),
    shows('finds the installation of a user', ['user'], async (desk, at) => {
      ok(Object(await desk.values(loginOf({ ...at, owner: at.user }))).gh.accessToken.length > 0);
      strictEqual(desk.sent(), 3);
    }),
    shows('tells an owner who has not installed the app', [], (desk, at) =>
      desk.fails(loginOf({ ...at, owner: `${absentName}-000000` }), 'ScopeNotFound', /not installed there/),
    ),
    shows('tells a repository that the installation does not see', [], (desk, at) =>
      desk.fails(loginOf(at, { repositories: [absentName] }), 'AccessDenied', /repositor/),
    ),
    shows('tells a key that is not of the app', [], (desk, at) => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      return desk.fails(loginOf({ ...at, privateKey: pem }), 'LoginRejected', /check appId and privateKey/);
    }),
    shows('tells an app that is not there', [], (desk, at) =>
      desk.fails(loginOf({ ...at, appId: '1' }), 'LoginRejected', /check appId and privateKey/),
    ),
  ],
};
