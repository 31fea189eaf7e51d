// A secret value in memory. It prints, inspects and serialises as `[redacted]`, so that no log, event, status or
// error can carry it by accident. `reveal()` and `text()` stand only in the files that the architecture test lists.
import { inspect } from 'node:util';

const redacted = '[redacted]';

/** Bytes that must not show anywhere but in the target Secret (or in a request body to the upstream they belong to). */
export class SecretValue {
  readonly #bytes: Buffer;

  constructor(value: Buffer | string) {
    this.#bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  }

  /** The raw bytes. Do not change them. */
  reveal(): Buffer {
    return this.#bytes;
  }

  /** The bytes read as UTF-8; invalid sequences become U+FFFD. */
  text(): string {
    return this.#bytes.toString('utf8');
  }

  /** Length in bytes. */
  get length(): number {
    return this.#bytes.length;
  }

  equals(other: SecretValue): boolean {
    return this.#bytes.equals(other.#bytes);
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [inspect.custom](): string {
    return redacted;
  }
}
