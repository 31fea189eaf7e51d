// The errors of the API: status, name and text as a server of October 2024 writes them, and the same in newer servers' form.
import { randomBytes } from 'node:crypto';

/** Which server is played: one of October 2024, one of June 2025, or what current sources and documentation say. */
export const generations = ['2024-10', '2025-06', 'newest'] as const;
export type Generation = (typeof generations)[number];

/** Whether a server is of that age or younger. */
export function isSince(generation: Generation, first: Generation): boolean {
  return generations.indexOf(generation) >= generations.indexOf(first);
}

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
/** Newer servers name the project as it was asked for. */
export function notMember(project: string, generation: Generation): ApiError {
  const which = generation === '2024-10' ? '' : ` with ID '${project}'`;
  const name = `Identity is not a member of the specified project${which}`;
  return new ApiError(403, name, 'You are not allowed to access this resource');
}
export function notAllowed(action: string, generation: Generation, subject = 'secrets'): ApiError {
  if (generation === '2024-10')
    return new ApiError(403, 'PermissionDenied', `You are not allowed to ${action} on secrets`);
  const words = `You are not allowed to ${action === 'read' ? 'describeSecret' : action} on ${subject}`;
  return new ApiError(403, 'PermissionDenied', words, []);
}
export function folderNotFound(generation: Generation, place: { readonly environment: string; readonly path: string }) {
  if (generation === '2024-10')
    return new ApiError(404, 'Create secret', 'Folder not found for the given environment slug & secret path');
  return new ApiError(404, 'CreateSecret', folderWords(place));
}

export function folderWords({ environment, path }: { readonly environment: string; readonly path: string }): string {
  return `Folder with path '${path}' in environment with slug '${environment}' not found`;
}
/** Failed validation is 401 in October 2024, 422 in newer servers. */
export const invalid = (issues: readonly Issue[], generation: Generation) =>
  new ApiError(generation === '2024-10' ? 401 : 422, 'ValidationFailure', issues);

/** The body of an error answer. */
export function errorBody(error: ApiError, generation: Generation): Record<string, unknown> {
  const body = { statusCode: error.status, message: error.text, error: error.name };
  if (generation === '2024-10') return body;
  const details = error.details === undefined ? {} : { details: error.details };
  return { reqId: `req-${randomBytes(8).toString('hex')}`, ...body, ...details };
}
