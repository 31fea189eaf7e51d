// A secret value in memory. It prints, inspects and serialises as `[redacted]`, so that no log, event, status or
// error can carry it by accident. `reveal()` and `text()` stand only in the files that the architecture test lists.
import { inspect } from 'node:util';

const redacted = '[redacted]';

/** Bytes that must not show anywhere but in the target Secret (or in a request body to the upstream they belong to). */
export class SecretValue {
  /** Text stays text: a small Buffer keeps alive the 64 kB that it was cut from, and snapshots hold many values. */
  readonly #value: Buffer | string;

  constructor(value: Buffer | string) {
    this.#value = typeof value === 'string' ? value.toWellFormed() : value;
  }

  /** The raw bytes. Do not change them. */
  reveal(): Buffer {
    return typeof this.#value === 'string' ? Buffer.from(this.#value, 'utf8') : this.#value;
  }

  /** The bytes read as UTF-8; invalid sequences become U+FFFD. */
  text(): string {
    return typeof this.#value === 'string' ? this.#value : this.#value.toString('utf8');
  }

  /** Length in bytes. */
  get length(): number {
    return Buffer.byteLength(this.#value);
  }

  equals(other: SecretValue): boolean {
    return this.reveal().equals(other.reveal());
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
