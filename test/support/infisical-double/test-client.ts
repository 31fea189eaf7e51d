// A bare client for the double's own tests: one request, one answer, the body as JSON where it is some.
import { type LiveAnswer, send } from '../../conformance/infisical/client.ts';

export interface Asked {
  readonly method?: string;
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface SecretJson {
  readonly secretKey: string;
  readonly secretValue: string;
  readonly secretValueHidden?: boolean;
  readonly version: number;
  readonly environment: string;
}

/** Members that some answer has; which of them one has is what the tests find out. */
export interface AnswerJson {
  readonly error: string;
  readonly message: string;
  readonly reqId: string;
  readonly accessToken: string;
  readonly expiresIn: number;
  readonly secret: SecretJson;
  readonly secrets: readonly SecretJson[];
  readonly imports: readonly { readonly secretPath: string; readonly secrets: readonly SecretJson[] }[];
  readonly id: string;
  readonly version: number;
  readonly clientSecret: string;
  readonly faults: readonly unknown[];
}

export interface Answered extends LiveAnswer {
  readonly json: AnswerJson;
}

export async function ask(baseUrl: string, path: string, asked: Asked = {}): Promise<Answered> {
  const { token, body, headers = {} } = asked;
  const answer = await send(baseUrl, {
    method: asked.method ?? 'GET',
    path,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const isJson = answer.body !== '' && answer.headers['content-type']?.startsWith('application/json');
  return { ...answer, json: isJson ? JSON.parse(answer.body) : {} };
}
