// A place to log in from: Secrets as a map, the operator's identities as the test makes them, and a login API that keeps
// what it was sent. For the tests of the logins by a cloud's word.
import { OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { AmbientSources, Credentials, LoginApi, LoginSite } from '../contract.ts';

export const signal = new AbortController().signal;
export const identityId = '8ad070b4-fa87-4f99-b217-e4668ba01f6a';
export const host = 'app.infisical.com';

/** A reference to a key of the one Secret that there is. */
export const key = (name: string) => ({ name: 'login', key: name });

/** `material` by key of the Secret. Without `ambient`, the operator's identities are denied. */
export function loginSite(material: Readonly<Record<string, string>>, ambient?: Partial<AmbientSources>): LoginSite {
  const missing = () => {
    throw new OperatorError('InvalidCredential', 'this source is not part of the test');
  };
  const sources: AmbientSources = {
    serviceAccountTokenFile: missing,
    file: missing,
    aws: missing,
    azureToken: missing,
    gcpIdToken: missing,
    gcpSignedJwt: missing,
    ...ambient,
  };
  const credentials: Credentials = {
    async secretKey(selector, field) {
      const text = material[selector.key ?? ''];
      if (text === undefined) throw new OperatorError('InvalidCredential', `${field}: there is no such key`);
      return new SecretValue(text);
    },
    serviceAccount: missing,
    ambient(at, field) {
      if (ambient !== undefined && at === host) return sources;
      throw new OperatorError('IdentityDenied', `${field}: not listed`);
    },
  };
  return { credentials, host };
}

export interface SentLogin {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Takes every login; or refuses each with `refusal`. */
export function recordingApi(refusal?: OperatorError): LoginApi & { readonly sent: readonly SentLogin[] } {
  const sent: SentLogin[] = [];
  return {
    sent,
    async post(path, body, parse) {
      sent.push({ path, body: body as SentLogin['body'] }); // logins send objects
      if (refusal !== undefined) throw refusal;
      return parse({ accessToken: 'granted', expiresIn: 7_200 });
    },
  };
}
