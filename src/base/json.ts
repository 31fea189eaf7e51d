// Guards of JSON that nobody has looked at yet.

/** An object of JSON: neither null nor a list. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
