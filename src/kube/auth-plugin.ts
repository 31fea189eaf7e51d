// Logs in through @kubernetes/client-node where a kubeconfig names a program (exec) or the `oidc` auth provider. Only the
// package's two login files are taken: the rest of it is the API's clients, many times the size of this operator.

import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import { ExecAuth } from '@kubernetes/client-node/dist/exec_auth.js';
import { OpenIDConnectAuth } from '@kubernetes/client-node/dist/oidc_auth.js';
import type { Clock } from '../base/clock.ts';
import { isRecord } from '../base/json.ts';
import { OperatorError } from '../base/operator-error.ts';
import type { Credentials } from './access.ts';
import type { ChosenContext, PluginLogin } from './kubeconfig.ts';

/** The plugins keep their own tokens until these expire; asking them for every call costs more than a look at a minute. */
const keepHeaderMs = 30_000;

/** Runs the plugin once, so that what is wrong with it is said at the start. Throws `InvalidCredential`. */
export async function loginByPlugin(chosen: ChosenContext, clock: Clock): Promise<PluginLogin> {
  const user = pluginUser(chosen);
  let plugin = choosePlugin(chosen, user);
  const ask = async (): Promise<RequestOptions> => {
    const options: RequestOptions = { headers: {} };
    try {
      await plugin.applyAuthentication(user, options);
    } catch {
      // The plugin's output may hold the credential: it stays out of the message.
      throw refused(chosen, 'the login plugin of its user entry failed');
    }
    return options;
  };
  const first = await ask();
  const forget = () => {
    plugin = choosePlugin(chosen, user); // the plugin's own cache has no other way to be emptied
  };
  return { tls: certificateOf(first), credentials: pluginCredentials({ ask, forget, first, clock }) };
}

type PluginUser = Parameters<ExecAuth['applyAuthentication']>[0];

function choosePlugin(chosen: ChosenContext, user: PluginUser): ExecAuth | OpenIDConnectAuth {
  const plugin = [new ExecAuth(), new OpenIDConnectAuth()].find((one) => one.isAuthProvider(user));
  if (plugin !== undefined) return plugin;
  throw refused(chosen, 'the auth-provider of its user entry is not supported: use exec, or the auth-provider oidc');
}

/** The user entry as the plugins take it. As kubectl does, a program named with a slash is sought beside the kubeconfig. */
function pluginUser({ user }: ChosenContext): PluginUser {
  const { exec, 'auth-provider': authProvider } = user?.fields ?? {};
  const name = user?.title ?? '';
  if (!isRecord(exec)) return { name, authProvider };
  const { command } = exec;
  const isRelative = typeof command === 'string' && /[/\\]/.test(command);
  return { name, exec: isRelative ? { ...exec, command: resolve(dirname(user?.path ?? ''), command) } : exec };
}

function refused({ contextName }: ChosenContext, problem: string): OperatorError {
  return new OperatorError('InvalidCredential', `context "${contextName}": ${problem}`);
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
