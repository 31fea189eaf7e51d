// The errors of the API: status, name and text as a server of October 2024 writes them, and the same in newer servers' form.
import { randomBytes } from 'node:crypto';

/** Which server is played: one of October 2024, or what current sources and documentation say. */
export type Generation = '2024-10' | 'newest';

/** One failed check of a request's body or query, in the form of zod 3. */
export type Issue = Readonly<Record<string, unknown>> & { readonly path: readonly (string | number)[] };

/** An answer other than 200. `name` is the body's `error`. */
export class ApiError extends Error {
  override readonly name: string;
  readonly status: number;
  readonly text: string | readonly Issue[];
  readonly details?: unknown;

  constructor(status: number, name: string, text: string | readonly Issue[], details?: unknown) {
    super(typeof text === 'string' ? text : 'validation failed');
    this.status = status;
    this.name = name;
    this.text = text;
    this.details = details;
  }
}

export const unauthorized = (text: string) => new ApiError(401, 'UnauthorizedError', text);
export const badToken = (text: string) => new ApiError(403, 'TokenError', text);
export const notFound = (text: string) => new ApiError(404, 'NotFound', text);
export const badRequest = (text: string) => new ApiError(400, 'BadRequest', text);
/** A failure inside the server; `name` is what the failing query calls itself. */
export const broken = (name = 'InternalServerError') => new ApiError(500, name, 'Something went wrong');
export const notMember = () =>
  new ApiError(403, 'Identity is not a member of the specified project', 'You are not allowed to access this resource');
export const notAllowed = (action: string) =>
  new ApiError(403, 'PermissionDenied', `You are not allowed to ${action} on secrets`);
export const folderNotFound = () =>
  new ApiError(404, 'Create secret', 'Folder not found for the given environment slug & secret path');
/** Failed validation is 401 in October 2024, 422 in newer servers. */
export const invalid = (issues: readonly Issue[], generation: Generation) =>
  new ApiError(generation === 'newest' ? 422 : 401, 'ValidationFailure', issues);

/** The body of an error answer. */
export function errorBody(error: ApiError, generation: Generation): Record<string, unknown> {
  const body = { statusCode: error.status, message: error.text, error: error.name };
  if (generation === '2024-10') return body;
  const details = error.details === undefined ? {} : { details: error.details };
  return { reqId: `req-${randomBytes(8).toString('hex')}`, ...body, ...details };
}
