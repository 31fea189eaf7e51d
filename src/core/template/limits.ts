// What a render may cost. Templates come from tenants: each node, each call and each byte made is charged, so that a bomb
// ends with TemplateLimit before it holds others up.

/** Bounds of one render. */
export interface TemplateLimits {
  /** Steps: nodes walked, calls, and one for each 64 bytes that a function makes. */
  readonly maxSteps: number;
  /** Bytes that a render writes. */
  readonly maxOutputBytes: number;
  /** Bytes of one value in between (a repeated text, a padded number), and the length of a list. */
  readonly maxValueBytes: number;
  /** `template` actions inside one another. */
  readonly maxDepth: number;
  /** Slow key functions (bcrypt, scrypt, new keys, PKCS#12) in one render; each takes 10 to 200 ms. */
  readonly maxKeyOperations: number;
}

/** Secrets hold 1 MiB, so no honest template reaches these. */
export const defaultLimits: TemplateLimits = {
  maxSteps: 500_000,
  maxOutputBytes: 2 * 1024 * 1024,
  maxValueBytes: 4 * 1024 * 1024,
  maxDepth: 100,
  maxKeyOperations: 16,
};

/** A render that passed one of its bounds; the message says which, never a value. */
export class TemplateLimit extends Error {
  override readonly name = 'TemplateLimit';
}

/** The account of one render. */
export class Budget {
  readonly limits: TemplateLimits;
  #steps = 0;
  #keyOperations = 0;
  #certificateLifeMs: number | undefined;

  constructor(limits: TemplateLimits) {
    this.limits = limits;
  }

  get steps(): number {
    return this.#steps;
  }

  get keyOperations(): number {
    return this.#keyOperations;
  }

  /** The shortest life of the certificates that were made; undefined when none was. */
  get certificateLifeMs(): number | undefined {
    return this.#certificateLifeMs;
  }

  /** Notes a certificate that was made, valid from now on for `lifeMs`. */
  noteCertificate(lifeMs: number): void {
    this.#certificateLifeMs = Math.min(lifeMs, this.#certificateLifeMs ?? lifeMs);
  }

  /** Counts steps; throws TemplateLimit past the bound. */
  step(count = 1): void {
    this.#steps += count;
    this.afford(0);
  }

  /** Throws TemplateLimit when so many steps are not left; counts none, for work whose length shows when it is done. */
  afford(count: number): void {
    if (this.#steps + count > this.limits.maxSteps) {
      throw new TemplateLimit(`the template takes more than ${this.limits.maxSteps} steps`);
    }
  }

  /** Announces a value of that many bytes or elements, before it is made. */
  room(size: number): void {
    if (!(size <= this.limits.maxValueBytes)) {
      throw new TemplateLimit(`the template makes a value of more than ${this.limits.maxValueBytes} bytes`);
    }
    this.step(Math.ceil(size / 64));
  }

  /** Announces one slow key function. */
  keyOperation(): void {
    this.#keyOperations += 1;
    if (this.#keyOperations > this.limits.maxKeyOperations) {
      throw new TemplateLimit(`the template makes more than ${this.limits.maxKeyOperations} keys or password hashes`);
    }
  }
}
