// Pulumi Cloud's ESC API as far as reading needs it: look at a definition, open an environment and read it whole, exchange
// a token. What throttles one identity at a host stops its further calls there.
// https://www.pulumi.com/docs/reference/cloud-rest-api/environments/
import type { LoginApi, Session } from '../../auth/contract.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { hasErrors } from '../../core/esc/session.ts';
import type { Upstream, UpstreamRequest } from '../../http/contract.ts';
import { sendAndRead } from '../../http/send-and-read.ts';
import { strongEtag } from '../shared/headers.ts';
import type { Pauses } from '../shared/pauses.ts';
import type { PulumiAddress } from './address.ts';
import { type Definition, definitionOf } from './definition.ts';
import {
  answerError,
  evaluationError,
  evaluationWarning,
  failure,
  type Place,
  readJson,
  readJsonInTurns,
  tryJson,
} from './errors.ts';
import { diagnosticsOfAnswer, type Evaluated, valueOfAnswer } from './evaluated.ts';
import { parseEnvironment } from './plain-values.ts';
import { type EscValue, parseSession } from './wire.ts';

/** One environment, at a revision or tag or at its latest. */
export interface EnvironmentScope {
  readonly organization: string;
  readonly project: string;
  readonly environment: string;
  readonly version: string | undefined;
}

/** The way to one host with one identity. */
export interface PulumiAccess {
  readonly address: PulumiAddress;
  readonly upstream: Upstream;
  readonly session: Session;
  readonly pauses: Pauses;
  /** In whose share answers are kept. */
  readonly keeper: string;
}

/** How long an open session may live: it is read once, right away. */
const openFor = '5m0s';

/** `environment "org/project/env" at version "v"`, for messages. */
export function nameOf({ organization, project, environment, version }: EnvironmentScope): string {
  const name = `environment "${organization}/${project}/${environment}"`;
  return version === undefined ? name : `${name} at version "${version}"`;
}

/** An environment as one evaluation gave it. */
export interface Opened {
  readonly root: EscValue;
  /** When it was opened, monotonic. */
  readonly openedAtMs: number;
  /** Equal as long as another open would give the same; see proof.ts. */
  readonly proof?: string | undefined;
  /** What the evaluation warned of, in one line. */
  readonly warning?: string | undefined;
}

/**
 * Opens the environment and reads it whole, so that all its values are of one evaluation. Throws ScopeNotFound,
 * AccessDenied, UpstreamRejected (the evaluation failed), UpstreamThrottled, UpstreamInvalid …
 */
export async function openWhole(
  access: PulumiAccess,
  scope: EnvironmentScope,
  signal: AbortSignal,
): Promise<Pick<Opened, 'root' | 'warning'>> {
  const opening: Place = { operation: `open ${nameOf(scope)}`, host: access.address.host };
  const url = `${pathOf(scope, { withVersion: true })}/open?duration=${openFor}`;
  const { id, diagnostics } = await call(access, opening, { method: 'POST', url }, parseSession, signal);
  if (diagnostics.some(({ isError }) => isError)) throw evaluationError(diagnostics, opening);
  if (id === '.' || id === '..') throw failure('UpstreamInvalid', opening, 'the answer names no open session');
  const reading: Place = {
    operation: `read ${nameOf(scope)}`,
    host: access.address.host,
    missing: { reason: 'UpstreamUnavailable', problem: 'the open session is not there any more' },
  };
  const session = `${pathOf(scope, { withVersion: false })}/open/${encodeURIComponent(id)}`;
  const root = await call(access, reading, { method: 'GET', url: session }, parseEnvironment, signal);
  return { root, warning: evaluationWarning(diagnostics, nameOf(scope)) };
}

/** The whole evaluation with its flags; what is wrong with the document is told, not thrown. */
export async function openEvaluated(
  access: PulumiAccess,
  scope: EnvironmentScope,
  signal: AbortSignal,
): Promise<Evaluated> {
  const opening: Place = { operation: `open ${nameOf(scope)}`, host: access.address.host };
  const url = `${pathOf(scope, { withVersion: true })}/open?duration=${openFor}`;
  const { json, diagnostics } = await told(access, opening, { method: 'POST', url }, signal);
  if (hasErrors(diagnostics)) return { value: undefined, diagnostics };
  const { id } = await inPlace(opening, () => parseSession(json));
  const reading: Place = { operation: `read ${nameOf(scope)}`, host: access.address.host };
  const session = `${pathOf(scope, { withVersion: false })}/open/${encodeURIComponent(id)}`;
  const value = await call(access, reading, { method: 'GET', url: session }, valueOfAnswer, signal);
  return { value, diagnostics };
}

/** The text of the definition, secrets encrypted as they are kept. */
export async function readDefinition(
  access: PulumiAccess,
  scope: EnvironmentScope,
  signal: AbortSignal,
): Promise<string> {
  const place: Place = { operation: `read the definition of ${nameOf(scope)}`, host: access.address.host };
  const url = pathOf(scope, { withVersion: true });
  return await withToken(
    access,
    async (token) => {
      const answer = await send(access, { method: 'GET', url }, token, signal);
      if (answer.status !== 200) throw answerError(answer, place);
      return answer.body.toString('utf8');
    },
    signal,
  );
}

/** Evaluates a definition without opening anything. */
export async function checkDefinition(
  access: PulumiAccess,
  scope: EnvironmentScope,
  { yaml, showSecrets }: { readonly yaml: string; readonly showSecrets: boolean },
  signal: AbortSignal,
): Promise<Evaluated> {
  const place: Place = { operation: `check ${nameOf(scope)}`, host: access.address.host };
  const url = `/environments/${encodeURIComponent(scope.organization)}/yaml/check?showSecrets=${showSecrets}`;
  const { json, diagnostics } = await told(access, place, { method: 'POST', url, body: yaml }, signal);
  return { value: await inPlace(place, () => valueOfAnswer(json)), diagnostics };
}

/** The answer's JSON and diagnostics: a refusal of the document (400) is told by them. */
async function told(access: PulumiAccess, place: Place, request: Call, signal: AbortSignal) {
  return await withToken(
    access,
    async (token) => {
      const answer = await send(access, request, token, signal);
      const json = answer.status === 400 ? tryJson(answer.body) : readJson(answer, place);
      const diagnostics = diagnosticsOfAnswer(json);
      if (answer.status === 400 && diagnostics.length === 0) throw answerError(answer, place);
      return { json, diagnostics };
    },
    signal,
  );
}

/**
 * What the environment's definition says, without an open, which may cost and mints credentials. Secrets are ciphertexts in
 * it. `kept` is the answer to an earlier look.
 */
export async function lookAt(
  access: PulumiAccess,
  scope: EnvironmentScope,
  kept: { readonly definition: Definition; readonly etag: string } | undefined,
  signal: AbortSignal,
): Promise<{ readonly definition: Definition; readonly etag?: string }> {
  const place: Place = { operation: `look at ${nameOf(scope)}`, host: access.address.host };
  const url = pathOf(scope, { withVersion: true });
  const conditional = kept === undefined ? {} : { 'if-none-match': kept.etag };
  return withToken(
    access,
    async (token) => {
      const answer = await send(access, { method: 'GET', url }, { ...token, ...conditional }, signal);
      if (answer.status === 304 && kept !== undefined) return kept;
      if (answer.status !== 200) throw answerError(answer, place);
      // The definition is YAML, which starts with no tag; a page that stands in the API's place does.
      if (/^\s*</.test(answer.body.subarray(0, 256).toString('latin1'))) {
        throw failure('UpstreamInvalid', place, 'the answer is a page and no definition');
      }
      const revision = answer.headers['pulumi-esc-revision'] ?? answer.headers['etag'] ?? '';
      return { definition: definitionOf(answer.body.toString('utf8'), revision), ...strongEtag(answer) };
    },
    signal,
  );
}

/** Calls to the service around the ESC API, where tokens are exchanged. */
export function loginApi(upstream: Upstream, address: PulumiAddress): LoginApi {
  return {
    async post(path, body, parse, signal) {
      const place: Place = { operation: 'exchange the ServiceAccount token', host: address.host, isLogin: true };
      const headers = { accept: 'application/json', 'content-type': 'application/json' };
      const url = new URL(`${address.baseUrl}${path}`);
      const answer = await upstream.send({ method: 'POST', url, headers, body: JSON.stringify(body) }, signal);
      if (answer.status !== 200) throw answerError(answer, place);
      return await inPlace(place, () => parse(plainJson(answer.body.toString('utf8'))));
    },
  };
}

interface Call {
  readonly method: 'GET' | 'POST';
  /** Below the root of the API. */
  readonly url: string;
  readonly body?: string;
}

function call<T>(
  access: PulumiAccess,
  place: Place,
  request: Call,
  parse: (json: unknown) => T | Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  return withToken(
    access,
    (token) =>
      sendAndRead(
        access.upstream,
        requestOf(access, request, token),
        async (answer) => {
          const json = await readJsonInTurns(answer, place);
          return await inPlace(place, () => parse(json));
        },
        signal,
      ),
    signal,
  );
}

type Headers = Readonly<Record<string, string>>;

/** Runs a call under the identity's token and its pauses. */
async function withToken<T>(
  { pauses, session }: PulumiAccess,
  run: (token: Headers) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  pauses.check(session.key);
  try {
    return await session.withToken((token) => run({ authorization: `token ${token.text()}` }), signal);
  } catch (error) {
    if (error instanceof OperatorError) pauses.note(session.key, error);
    throw error;
  }
}

function send(access: PulumiAccess, request: Call, headers: Headers, signal: AbortSignal) {
  return access.upstream.send(requestOf(access, request, headers), signal);
}

function requestOf({ address }: PulumiAccess, { method, url, body = '' }: Call, headers: Headers): UpstreamRequest {
  return {
    method,
    url: new URL(`${address.root}${url}`),
    headers: {
      accept: 'application/vnd.pulumi+8, application/json',
      ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    ...(method === 'POST' ? { body } : {}),
  };
}

function pathOf(scope: EnvironmentScope, { withVersion }: { readonly withVersion: boolean }): string {
  const parts = [scope.organization, scope.project, scope.environment];
  if (withVersion && scope.version !== undefined) parts.push('versions', scope.version);
  return `/environments/${parts.map(encodeURIComponent).join('/')}`;
}

function plainJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new OperatorError('UpstreamInvalid', 'the answer is not JSON, so it is not from the API');
  }
}

/** Adds the place to what a parser throws, which knows only the body. */
async function inPlace<T>(place: Place, parse: () => T | Promise<T>): Promise<T> {
  try {
    return await parse();
  } catch (error) {
    throw error instanceof OperatorError ? failure(error.reason, place, error.message) : error;
  }
}
