// What a template can fail with. Go's texts quote values; here every part that comes from a value is marked, so that the
// message which leaves the engine names types and places only, and the whole text stays for comparison with Go.
import { type Bytes, textOf } from './text.ts';

const hiddenStart = '\u2401';
const hiddenEnd = '\u2402';
const hiddenAs = '\u2403';

/**
 * Marks a part of an error's text that shows a value. Marks are no bytes, so no value can contain one. `type` is what the
 * message shows in its place.
 */
export function hidden(bytes: Bytes, type?: string): string {
  return `${hiddenStart}${bytes}${type === undefined ? '' : `${hiddenAs}${type}`}${hiddenEnd}`;
}

/** The text as Go writes it, values included: for a value that a template prints, never for a message. */
export function unmarked(text: string): Bytes {
  return text
    .replaceAll(/\u2403[^\u2402]*/g, '')
    .replaceAll(hiddenStart, '')
    .replaceAll(hiddenEnd, '');
}

/** An error that a function returns; evaluation adds where it happened. Its message may hold marked parts. */
export class FunctionFault extends Error {}

/** Where in a template something is. */
export interface TemplatePlace {
  /** Line from 1. */
  readonly line: number;
  /** Byte column, from 0 as Go counts; undefined for a parse error. */
  readonly column: number | undefined;
}

/** A missing key, and the keys there are. */
export interface MissingKey {
  readonly key: string;
  readonly known: readonly string[];
}

/** A template that does not parse or execute. `message` is Go's text without values. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  readonly stage: 'parse' | 'execute';
  readonly place: TemplatePlace | undefined;
  readonly missingKey: MissingKey | undefined;
  readonly #marked: string;

  constructor(
    stage: 'parse' | 'execute',
    marked: string,
    details: { readonly place?: TemplatePlace | undefined; readonly missingKey?: MissingKey | undefined } = {},
  ) {
    super(textOf(marked.replace(/\u2401[^\u2402\u2403]*(?:\u2403([^\u2402]*))?\u2402/g, (_, type = '***') => type)));
    this.stage = stage;
    this.place = details.place;
    this.missingKey = details.missingKey;
    this.#marked = marked;
  }

  /** Go's own text, byte for byte, with the values it quotes: for tests and local tools only. */
  textWithValues(): string {
    return textOf(unmarked(this.#marked));
  }
}
