// The address that a store names as `apiUrl`: root of the ESC API, and of the service around it, where tokens are exchanged.
import { OperatorError } from '../../base/operator-error.ts';
import { parseBaseUrl } from '../../http/egress.ts';

export interface PulumiAddress {
  /** `scheme://host[:port]`: what fails and recovers together. */
  readonly origin: string;
  /** Root of the ESC API without a slash at the end, such as `https://api.pulumi.com/api/esc`. */
  readonly root: string;
  /** The same without `/api/esc`. */
  readonly baseUrl: string;
  /** Host and port, for messages. */
  readonly host: string;
}

const field = 'pulumi.apiUrl';
const cloud = 'https://api.pulumi.com/api/esc';

/** Throws InvalidSpec for anything but an http(s) URL without user, query and fragment. */
export function parseApiUrl(apiUrl: string): PulumiAddress {
  const url = parseBaseUrl(apiUrl.trim() || cloud, field);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new OperatorError('InvalidSpec', `${field}: the URL must begin with https:// (or http://)`);
  }
  const root = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  return { origin: url.origin, root, baseUrl: root.replace(/\/api\/esc$/, ''), host: url.host };
}
