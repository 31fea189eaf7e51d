// Infisical LDAP Auth: a user of the directory that Infisical asks. Failed logins lock the user out for everybody; that a
// refused login is not repeated is the session's doing.
// https://infisical.com/docs/documentation/platform/identities/ldap-auth/general

import { OperatorError } from '../../base/operator-error.ts';
import { readAll } from '../../base/read-all.ts';
import type { InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import type { AuthMethod, SecretKeySelector } from '../contract.ts';
import { describeKey, principalKey, readText, readTrimmed } from '../material.ts';
import { readIdentityId } from './identity-id.ts';
import { grantFrom, parseLoginReply } from './login-reply.ts';

const block = 'infisical.auth.ldapAuthCredentials';
const path = '/v1/auth/ldap-auth/login';

export const ldap: AuthMethod<InfisicalAuthSpecs['ldap']> = {
  async gather(spec, { credentials }, signal) {
    const [identityId, username, password] = await readAll([
      readIdentityId(credentials, spec.identityId, block, signal),
      readTrimmed(credentials, spec.ldapUsername, `${block}.ldapUsername`, signal),
      readText(credentials, spec.ldapPassword, `${block}.ldapPassword`, signal),
    ]);
    return {
      key: principalKey('ldap', [identityId, username, password]),
      revocable: true,
      async login(api, nowMs, loginSignal) {
        const body = { identityId: identityId.text(), username: username.text(), password: password.text() };
        try {
          return grantFrom(await api.post(path, body, parseLoginReply, loginSignal), nowMs);
        } catch (thrown) {
          throw /[\r\n]$/.test(body.password) ? withLineBreakHint(thrown, spec.ldapPassword) : thrown;
        }
      },
    };
  },
};

/** A password is sent as it stands, and few end in a line break on purpose. */
function withLineBreakHint(thrown: unknown, selector: SecretKeySelector): unknown {
  if (!(thrown instanceof OperatorError) || thrown.reason !== 'LoginRejected') return thrown;
  const hint = `${block}.ldapPassword: ${describeKey(selector)} ends with a line break, which is sent as part of it`;
  return new OperatorError('LoginRejected', `${thrown.message}; ${hint}`, { cause: thrown });
}
