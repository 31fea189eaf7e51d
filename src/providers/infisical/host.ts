// The address that a store names as `hostAPI`, in the forms that manifests use: with or without `/api`, with or without a
// slash behind it.
import { OperatorError } from '../../base/operator-error.ts';
import { parseBaseUrl } from '../../http/egress.ts';

export interface ApiHost {
  /** `scheme://host[:port]`: what fails and recovers together. */
  readonly origin: string;
  /** Root of the API without a slash at the end, such as `https://app.infisical.com/api`. */
  readonly root: string;
  /** Host and port, for messages. */
  readonly host: string;
}

const field = 'infisical.hostAPI';
const cloud = 'https://app.infisical.com';

/** Throws InvalidSpec for anything but an http(s) URL without user, query and fragment. */
export function parseHostApi(hostApi: string): ApiHost {
  const url = parseBaseUrl(hostApi.trim() || cloud, field);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new OperatorError('InvalidSpec', `${field}: the URL must begin with https:// (or http://)`);
  }
  let path = url.pathname;
  while (path.endsWith('/')) path = path.slice(0, -1);
  const root = `${url.origin}${path.endsWith('/api') ? path : `${path}/api`}`;
  return { origin: url.origin, root, host: url.host };
}
