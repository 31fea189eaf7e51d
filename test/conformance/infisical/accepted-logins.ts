// What servers of Infisical were seen to accept as a login, by method of the operator: facts of recordings (October 2024 and June
// 2025), in the words of login-shape.ts. `login-wires.ts` holds the operator to them, and the recordings as well where they lie.
import type { InfisicalAuthMethod } from '../../../src/crds/auth/infisical/table.ts';
import type { LoginShape } from './login-shape.ts';

interface Seen {
  readonly scenario: string;
  readonly exchange: string;
}

export interface AcceptedLogin {
  readonly route: string;
  readonly members: Readonly<Record<string, string>>;
  /** Members that a client may leave out or add, and why that is known to do no harm. */
  readonly free?: Readonly<Record<string, string>>;
  /** Where a real server is seen to take it; or why nobody has seen that, and where one says at least what it asks for. */
  readonly seen: Seen | { readonly unseen: string; readonly asked: Seen };
}

export const acceptedHeaders = { accept: 'application/json', 'content-type': 'application/json' } as const;

const login = (name: string) => `POST /api/v1/auth/${name}/login`;
const proof = { identityId: 'uuid', jwt: 'jwt' } as const;
const success = 'success';
/** What a server answers to the wrong login. */
const later = (exchange: string): Seen => ({ scenario: 'auth-later-methods', exchange });

/** Undefined for the method that sends no login. */
export const acceptedLogins: { readonly [M in InfisicalAuthMethod]: AcceptedLogin | undefined } = {
  universal: {
    route: login('universal-auth'),
    members: { clientId: 'uuid', clientSecret: 'text' },
    seen: { scenario: 'auth-universal', exchange: success },
  },
  kubernetes: {
    route: login('kubernetes-auth'),
    members: proof,
    seen: { scenario: 'auth-kubernetes', exchange: success },
  },
  oidc: { route: login('oidc-auth'), members: proof, seen: { scenario: 'auth-oidc', exchange: success } },
  azure: { route: login('azure-auth'), members: proof, seen: { scenario: 'auth-azure', exchange: success } },
  gcpIdToken: {
    route: login('gcp-auth'),
    members: { ...proof, jwt: 'jwt for the identity' },
    seen: { scenario: 'auth-gcp', exchange: 'gce: success' },
  },
  gcpIam: {
    route: login('gcp-auth'),
    members: { ...proof, jwt: 'jwt for the identity' },
    seen: { scenario: 'auth-gcp', exchange: 'iam: success' },
  },
  aws: {
    route: login('aws-auth'),
    members: {
      identityId: 'uuid',
      iamHttpRequestMethod: 'POST',
      iamRequestBody: 'base64 of Action=GetCallerIdentity&Version=2011-06-15',
      'iamRequestHeaders.Host': 'text',
      'iamRequestHeaders.Content-Type': 'text',
      'iamRequestHeaders.Content-Length': 'text',
      'iamRequestHeaders.X-Amz-Date': 'text',
      'iamRequestHeaders.Authorization': 'AWS signature',
    },
    free: {
      'iamRequestHeaders.Accept': 'STS answers XML or JSON; the server asks for JSON itself',
      'iamRequestHeaders.X-Amz-Security-Token': 'the headers go to STS as they are; credentials of a role need it',
    },
    seen: { scenario: 'auth-aws', exchange: success },
  },
  jwt: {
    route: login('jwt-auth'),
    members: proof,
    seen: { unseen: 'no identity of that method was recorded', asked: later('jwt-auth') },
  },
  ldap: {
    route: login('ldap-auth'),
    members: { identityId: 'uuid', username: 'text', password: 'text' },
    seen: { unseen: 'a server asks for a licence', asked: later('ldap-auth') },
  },
  oci: {
    route: login('oci-auth'),
    members: {
      identityId: 'uuid',
      userOcid: 'text',
      // Sent on to Oracle Cloud, these three and no other: so they are what is signed.
      'headers.authorization': 'signature over (request-target), host, x-date',
      'headers.host': 'text',
      'headers.x-date': 'text',
    },
    seen: { unseen: 'a server takes it from a user of Oracle Cloud only', asked: later('oci-auth') },
  },
  token: undefined,
};

/** What of a login no server was seen to accept, one line each. */
export function differencesFrom(accepted: AcceptedLogin, shape: LoginShape): readonly string[] {
  const wrong = (what: string, sent: string | undefined, wanted: string | undefined) =>
    sent === wanted ? [] : [`${what}: ${sent ?? 'absent'}, servers take ${wanted ?? 'none'}`];
  const headers = new Set([...Object.keys(shape.headers), ...Object.keys(acceptedHeaders)]);
  const members = new Set([...Object.keys(shape.members), ...Object.keys(accepted.members)]);
  const wantedHeaders: Readonly<Record<string, string>> = acceptedHeaders;
  return [
    ...wrong('route', shape.route, accepted.route),
    ...[...headers].flatMap((name) => wrong(`header ${name}`, shape.headers[name], wantedHeaders[name])),
    ...[...members]
      .filter((path) => accepted.free?.[path] === undefined)
      .flatMap((path) => wrong(path, shape.members[path], accepted.members[path])),
  ];
}
