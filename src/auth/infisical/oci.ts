// Infisical OCI Auth: a request for the user's own record, signed with an API key; Infisical sends it to Oracle Cloud and
// learns from the answer who signed. The key is the store's own, so nothing of the operator is used.
// https://infisical.com/docs/documentation/platform/identities/oci-auth

import type { KeyObject } from 'node:crypto';
import { OperatorError } from '../../base/operator-error.ts';
import { readAll } from '../../base/read-all.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { InfisicalAuthSpecs } from '../../crds/auth/infisical/table.ts';
import type { AuthMethod, Credentials } from '../contract.ts';
import { describeKey, principalKey, readTrimmed } from '../material.ts';
import { signOciGet } from '../signing/oci-signature.ts';
import { readRsaKey } from '../signing/rs256-jwt.ts';
import { readIdentityId } from './identity-id.ts';
import { grantFrom, parseLoginReply } from './login-reply.ts';

type OciSpec = InfisicalAuthSpecs['oci'];

const block = 'infisical.auth.ociAuthCredentials';

/**
 * What the texts must look like: they become a host name, a path and a quoted header. The region is that of the hosts
 * which Infisical accepts.
 */
const forms = {
  fingerprint: { form: /^[0-9a-f]{2}(:[0-9a-f]{2}){15}$/i, like: 'sixteen pairs of hex digits with colons between' },
  userId: { form: /^ocid1\.user\.[\w.-]{1,240}$/, like: 'an OCID that begins with "ocid1.user."' },
  tenancyId: { form: /^ocid1\.tenancy\.[\w.-]{1,240}$/, like: 'an OCID that begins with "ocid1.tenancy."' },
  region: { form: /^[a-z]{2}-[a-z]{2,20}-\d$/, like: 'the name of a region, such as eu-frankfurt-1' },
} as const;

type FormName = keyof typeof forms;

export const oci: AuthMethod<OciSpec> = {
  async gather(spec, { credentials }, signal) {
    const read = (name: FormName) => readFormed(credentials, spec, name, signal);
    const [identityId, pem, passphrase, fingerprint, userId, tenancyId, region] = await readAll([
      readIdentityId(credentials, spec.identityId, block, signal),
      credentials.secretKey(spec.privateKey, `${block}.privateKey`, signal),
      readPassphrase(credentials, spec, signal),
      read('fingerprint'),
      read('userId'),
      read('tenancyId'),
      read('region'),
    ]);
    const privateKey = openKey(pem, passphrase);
    const texts = { fingerprint: fingerprint.text(), userId: userId.text(), tenancyId: tenancyId.text() };
    const request = { host: `identity.${region.text()}.oraclecloud.com`, path: `/20160918/users/${texts.userId}` };
    return {
      key: principalKey('oci', [identityId, pem, fingerprint, userId, tenancyId, region]),
      revocable: true,
      async login(api, nowMs, loginSignal) {
        const headers = signOciGet(request, { ...texts, privateKey }, nowMs);
        const body = { identityId: identityId.text(), userOcid: texts.userId, headers };
        return grantFrom(await api.post('/v1/auth/oci-auth/login', body, parseLoginReply, loginSignal), nowMs);
      },
    };
  },
};

/** Throws InvalidCredential that says what is expected; the value may be a key that stands in the wrong place. */
async function readFormed(
  credentials: Credentials,
  spec: OciSpec,
  name: FormName,
  signal: AbortSignal,
): Promise<SecretValue> {
  const value = await readTrimmed(credentials, spec[name], `${block}.${name}`, signal);
  if (forms[name].form.test(value.text())) return value;
  throw new OperatorError(
    'InvalidCredential',
    `${block}.${name}: ${describeKey(spec[name])}: expected ${forms[name].like}`,
  );
}

async function readPassphrase(
  credentials: Credentials,
  { privateKeyPassphrase: selector }: OciSpec,
  signal: AbortSignal,
): Promise<SecretValue | undefined> {
  if (selector === undefined) return undefined;
  return credentials.secretKey(selector, `${block}.privateKeyPassphrase`, signal);
}

/** The passphrase as it stands, and without the newline that `echo` leaves: what is right opens the key. */
function openKey(pem: SecretValue, passphrase: SecretValue | undefined): KeyObject {
  const field = `${block}.privateKey`;
  if (passphrase === undefined) return readRsaKey(pem, field);
  const trimmed = new SecretValue(passphrase.text().replace(/\r?\n$/, ''));
  if (trimmed.length === passphrase.length) return readRsaKey(pem, field, passphrase);
  try {
    return readRsaKey(pem, field, trimmed);
  } catch {
    return readRsaKey(pem, field, passphrase);
  }
}
