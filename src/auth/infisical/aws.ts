// Infisical AWS Auth: a GetCallerIdentity request that is signed here and sent to STS by Infisical, which learns from the
// answer who signed. Whoever holds the signed request can log in with it for some minutes: it is as good as a token.
// https://infisical.com/docs/documentation/platform/identities/aws-auth
import { OperatorError } from '../../base/operator-error.ts';
import type { InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import type { AuthMethod, AwsCredentials } from '../contract.ts';
import { principalKey } from '../material.ts';
import { amzDate, sigV4Authorization } from '../signing/sigv4.ts';
import { readIdentityId } from './identity-id.ts';
import { grantFrom, parseLoginReply } from './login-reply.ts';

const block = 'infisical.auth.awsAuthCredentials';

const method = 'POST';
const requestBody = 'Action=GetCallerIdentity&Version=2011-06-15';

export const aws: AuthMethod<InfisicalAuthSpecs['aws']> = {
  async gather(spec, { credentials, host }, signal) {
    const ambient = credentials.ambient(host, block);
    const identityId = await readIdentityId(credentials, spec.identityId, block, signal);
    return {
      // One operator is one principal in AWS, so the id is all that tells its logins apart.
      key: principalKey('aws', [identityId]),
      revocable: true,
      async login(api, nowMs, loginSignal) {
        const signer = await ambient.aws(loginSignal);
        const body = {
          identityId: identityId.text(),
          iamHttpRequestMethod: method,
          iamRequestBody: base64(requestBody),
          iamRequestHeaders: base64(JSON.stringify(signedHeaders(signer, nowMs))),
        };
        try {
          return grantFrom(await api.post('/v1/auth/aws-auth/login', body, parseLoginReply, loginSignal), nowMs);
        } catch (thrown) {
          // Whatever the answer: when STS refuses the signature, servers of 2024 speak of a failure of their own.
          if (!(thrown instanceof OperatorError) || thrown.reason === 'Aborted') throw thrown;
          throw thrown.within(`signed with ${signer.principal}`);
        }
      },
    };
  },
};

/** The headers of the request to STS in the region of the signer. Content-Type is sent and not signed. */
function signedHeaders(signer: AwsCredentials, nowMs: number): Readonly<Record<string, string>> {
  const signed = {
    'Content-Length': String(requestBody.length),
    Host: `sts.${signer.region}.amazonaws.com`,
    'X-Amz-Date': amzDate(nowMs),
    ...(signer.sessionToken === undefined ? {} : { 'X-Amz-Security-Token': signer.sessionToken.text() }),
  };
  const request = { method, path: '/', headers: signed, body: requestBody };
  return {
    ...signed,
    'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
    Authorization: sigV4Authorization(request, { ...signer, service: 'sts' }),
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
