// The address that a store names as `hostAPI`, in the forms that manifests use: with or without `/api`, with or without a
// slash behind it.
import { OperatorError } from '../../core/operator-error.ts';

export interface ApiHost {
  /** `scheme://host[:port]`: what fails and recovers together. */
  readonly origin: string;
  /** Root of the API without a slash at the end, such as `https://app.infisical.com/api`. */
  readonly root: string;
  /** Host and port, for messages. */
  readonly host: string;
}

const cloud = 'https://app.infisical.com';

/** Throws InvalidSpec for anything but an http(s) URL without user, query and fragment. */
export function parseHostApi(hostApi: string): ApiHost {
  const text = hostApi.trim() === '' ? cloud : hostApi.trim();
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    // A user and password may stand in it, so the text itself is not repeated.
    throw invalid('is not a URL that begins with https:// (or http://)');
  }
  if (url.username !== '' || url.password !== '') throw invalid('holds a user name or password: remove it');
  if (url.search !== '' || url.hash !== '' || /[?#]/.test(text)) throw invalid('has a query or fragment: remove it');
  const path = url.pathname.replace(/\/+$/, '');
  const root = `${url.origin}${path.endsWith('/api') ? path : `${path}/api`}`;
  return { origin: url.origin, root, host: url.host };
}

function invalid(problem: string): OperatorError {
  return new OperatorError('InvalidSpec', `infisical.hostAPI ${problem}`);
}
