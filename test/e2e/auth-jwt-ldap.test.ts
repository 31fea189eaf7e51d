// The two logins whose proof lies in a Secret as a whole: a JWT of some issuer, and a directory user with a password.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unauthorized } from '../support/infisical-double/api-error.ts';
import type { Verifier } from '../support/infisical-double/identities.ts';
import { createJwtIssuer, type JwtIssuer, jwtVerifier } from '../support/jwt-issuer.ts';
import { createLoginScene, key, type Login, type LoginScene } from '../support/login-scene.ts';
import { startSentinel } from '../support/sentinel.ts';

let scene: LoginScene;
let issuer: JwtIssuer;

beforeAll(async () => {
  issuer = await createJwtIssuer('https://issuer.example');
  scene = await createLoginScene('auth-jwt-ldap');
});

afterAll(() => scene.end());

const seconds = (fromNow: number) => Math.floor(Date.now() / 1_000) + fromNow;

describe('JWT Auth', () => {
  const verifier = () => jwtVerifier({ ...issuer, audience: 'infisical', subject: 'deploy' }, 'JWT');
  const good = { aud: 'infisical', sub: 'deploy' };

  function login(name: string, jwt: string): Login {
    const material = { identityId: scene.double.identities.get(name).id, jwt };
    return {
      name,
      material,
      auth: { jwtAuthCredentials: { identityId: key(name, 'identityId'), jwt: key(name, 'jwt') } },
    };
  }

  it('logs in, and again with the token that replaces the first', async () => {
    const id = scene.identity('jwt', 'jwt', verifier());
    await scene.play(login('jwt', await issuer.sign(good)));
    await scene.expectSynced('jwt');
    await scene.repair('jwt', { jwt: await issuer.sign({ ...good, jti: 'second' }) });
    scene.double.identities.endTokens(id);
    await scene.expectFollows('jwt');
  });

  it.each<[name: string, jwt: () => string | Promise<string>, message: RegExp]>([
    ['malformed', () => scene.value('malformed'), /jwtAuthCredentials\.jwt: key "jwt" of Secret "malformed" is no JWT/],
    ['expired', () => issuer.sign({ ...good, exp: seconds(-3_600) }), /key "jwt" of Secret "expired" has expired/],
    ['just-expired', () => issuer.sign({ ...good, exp: seconds(-20) }), /jwt expired/],
    ['for-another', () => issuer.sign({ ...good, aud: 'x' }), /JWT audience not allowed/],
    ['of-another', () => issuer.sign({ ...good, sub: 'x' }), /JWT subject not allowed/],
  ])('tells a token that is %s', async (name, jwt, message) => {
    scene.identity(name, 'jwt', verifier());
    await scene.play(login(name, await jwt()));
    await scene.expectFailed(name, message);
  });

  it('logs in to the organisation that the scope names', async () => {
    const seen: unknown[] = [];
    const judge = verifier();
    scene.identity('organisation', 'jwt', (body) => {
      seen.push(body['organizationSlug']);
      return judge(body);
    });
    await scene.play({ ...login('organisation', await issuer.sign(good)), scope: { organizationSlug: 'sub' } });
    await scene.expectSynced('organisation');
    expect(seen).toEqual(['sub']);
  });
});

describe('LDAP Auth', () => {
  /** A directory with one user. */
  function directory(name: string): Verifier {
    return ({ username, password }) => {
      if (username === name && password === scene.value(`password-of-${name}`)) return;
      // A careless server: what it was sent must not come out of the conditions.
      throw unauthorized(`Invalid credentials of ${username}: ${password}`);
    };
  }

  function login(name: string, material: Record<string, string> = {}): Login {
    const given = { ldapUsername: `${name}\n`, ldapPassword: scene.value(`password-of-${name}`) };
    const selectors = ['identityId', 'ldapUsername', 'ldapPassword'].map((each) => [each, key(name, each)]);
    return {
      name,
      material: { identityId: scene.double.identities.get(name).id, ...given, ...material },
      auth: { ldapAuthCredentials: Object.fromEntries(selectors) },
    };
  }

  it('logs in with user name and password, each in its place', async () => {
    const id = scene.identity('alice', 'ldap', directory('alice'));
    await scene.play(login('alice'));
    await scene.expectSynced('alice');
    scene.double.identities.endTokens(id);
    await scene.expectFollows('alice');
  });

  it('tries a wrong password once, tells it, and tries a new one at once', async () => {
    scene.identity('bob', 'ldap', directory('bob'));
    scene.identity('awake', 'ldap', directory('awake'));
    await scene.play(login('awake'));
    const sentinel = await startSentinel(scene, { storeName: 'awake', project: 'shop', environment: 'prod' });
    const before = scene.logins();
    await scene.play(login('bob', { ldapPassword: scene.value('wrong') }));
    await scene.expectFailed('bob', /HTTP 401, "Invalid credentials of .*": check user name and password/);
    await sentinel.follows(3);
    expect(scene.logins()).toBe(before + 1);
    await scene.repair('bob', { ldapPassword: scene.value('password-of-bob') });
    await scene.expectSynced('bob', 10_000);
    expect(scene.logins()).toBe(before + 2);
  });

  it('tells of a line break behind the password', async () => {
    scene.identity('carol', 'ldap', directory('carol'));
    await scene.play(login('carol', { ldapPassword: `${scene.value('password-of-carol')}\n` }));
    await scene.expectFailed('carol', /key "ldapPassword" of Secret "carol" ends with a line break/);
  });

  it('tells that the user is locked out', async () => {
    scene.identity('dave', 'ldap', () => {
      throw unauthorized('This identity auth method is temporarily locked, please try again later');
    });
    await scene.play(login('dave'));
    await scene.expectFailed('dave', /temporarily locked.*opens by itself/);
  });

  it('tells an identity that the server does not know', async () => {
    scene.identity('erin', 'ldap', directory('erin'));
    await scene.play(login('erin', { identityId: 'a5f3e3f0-33ba-4a17-8a39-3f22a2bd8e64' }));
    await scene.expectFailed('erin', /no identity of this id that has ldap-auth/);
  });
});
