// Logs in through @kubernetes/client-node where a kubeconfig names a program (exec) or an auth provider. The package
// is big, so it is loaded only when such a user entry is met.
import type { RequestOptions } from 'node:https';
import { OperatorError } from '../core/operator-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Credentials } from './access.ts';
import type { PluginLogin } from './kubeconfig.ts';

/** The plugins keep their own tokens until these expire; asking them for every call costs more than a look at a minute. */
const keepHeaderMs = 30_000;

/** Runs the plugin once, so that what is wrong with it is said at the start. Throws `InvalidCredential`. */
export async function loginByPlugin(paths: readonly string[], contextName: string, clock: Clock): Promise<PluginLogin> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const load = () => {
    const config = new KubeConfig();
    for (const path of paths) {
      const one = new KubeConfig();
      one.loadFromFile(path); // unlike from a string, relative paths become absolute
      config.mergeConfig(one, true);
    }
    config.setCurrentContext(contextName);
    return config;
  };
  let config = load();
  const ask = async (): Promise<RequestOptions> => {
    const options: RequestOptions = {};
    try {
      await config.applyToHTTPSOptions(options);
    } catch {
      // The plugin's output may hold the credential: it stays out of the message.
      throw new OperatorError(
        'InvalidCredential',
        `context "${contextName}": the login plugin of its user entry failed`,
      );
    }
    return options;
  };
  const first = await ask();
  const forget = () => {
    config = load(); // the plugin's own cache has no other way to be emptied
  };
  return { tls: certificateOf(first), credentials: pluginCredentials({ ask, forget, first, clock }) };
}

interface Plugin {
  readonly ask: () => Promise<RequestOptions>;
  readonly forget: () => void;
  readonly first: RequestOptions;
  readonly clock: Clock;
}

function pluginCredentials({ ask, forget, first, clock }: Plugin): Credentials {
  let known = { header: authorizationOf(first), untilMs: clock.monotonicMs() + keepHeaderMs };
  let asking: Promise<string | undefined> | undefined;
  const renew = async () => {
    try {
      known = { header: authorizationOf(await ask()), untilMs: clock.monotonicMs() + keepHeaderMs };
      return known.header;
    } finally {
      asking = undefined;
    }
  };
  return {
    authorization() {
      if (clock.monotonicMs() < known.untilMs) return known.header;
      asking ??= renew();
      return asking;
    },
    refused() {
      forget();
      known = { ...known, untilMs: Number.NEGATIVE_INFINITY };
    },
  };
}

function authorizationOf({ headers }: RequestOptions): string | undefined {
  if (headers === undefined || Array.isArray(headers)) return undefined;
  const header = new Map(Object.entries(headers)).get('Authorization');
  return typeof header === 'string' ? header : undefined;
}

function certificateOf({ cert, key }: RequestOptions): PluginLogin['tls'] {
  const certPem = pemText(cert);
  const keyPem = pemText(key);
  return certPem === undefined || keyPem === undefined ? {} : { certPem, keyPem };
}

function pemText(pem: unknown): string | undefined {
  if (typeof pem === 'string') return pem;
  return Buffer.isBuffer(pem) ? pem.toString('utf8') : undefined;
}
