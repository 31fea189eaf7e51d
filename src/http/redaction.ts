// Takes out of an upstream's words whatever the request had carried: a gateway may repeat headers or the body in a refusal.
// One pass over the text as it came, after its decoding: what is found is marked, and only then cut out, so nothing is
// searched twice and no replacement can make a new find. Of a text in base64 the digit that it shares with its neighbour may stay.
import { tryJson } from '../base/json.ts';
import { plainLine } from '../base/plain-line.ts';
import type { UpstreamRequest } from './contract.ts';

const mark = '[redacted]';
/** The shortest text that is looked for: shorter ones stand in any sentence. */
const shortest = 4;
/** Texts of at least this length are found by any part of this length, so that one which was cut off is found too. */
const partLength = 12;
/** What was sent beyond this is not compared; the upstream's words are then not repeated at all. */
const mostSent = 64 * 1024;
/** Texts to look in are the few words of an error; a longer one is nothing to repeat. */
const longestText = 64 * 1024;

/** Headers that say nothing which is not the same for everybody. */
const harmless = new Set(['accept', 'accept-encoding', 'content-type', 'user-agent']);

/** Headers that begin with the name of how one authenticates. */
const withScheme = new Set(['authorization', 'proxy-authorization']);

/**
 * The text as one printable line without what `request` carried: values of headers, texts in a JSON or form body, as they
 * are, trimmed, escaped for JSON or for URLs, and in base64 at any offset. Time grows with the two lengths, not their product.
 */
export function withoutSent(text: string, request: Pick<UpstreamRequest, 'headers' | 'body'>): string {
  // What hides a token from the search, such as a zero-width space, must go before it and not after.
  const plain = plainLine(text, longestText);
  const sent = [...sentTexts(request)];
  if (sent.reduce((sum, { length }) => sum + length, 0) > mostSent) return plain === '' ? '' : mark;
  const forms = new Set(sent.flatMap(formsOf).filter(({ length }) => length >= shortest));
  return cutMarked(plain, markedIn(plain, forms));
}

/** 1 for each place of the text that belongs to one of the forms. */
function markedIn(text: string, forms: ReadonlySet<string>): Uint8Array {
  const marked = new Uint8Array(text.length);
  const parts = new Map<string, number[]>();
  for (let at = 0; at + partLength <= text.length; at++) {
    const part = text.slice(at, at + partLength);
    const places = parts.get(part);
    if (places === undefined) parts.set(part, [at]);
    else places.push(at);
  }
  for (const form of forms) {
    if (form.length < partLength) {
      for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + form.length)) {
        marked.fill(1, at, at + form.length);
      }
      continue;
    }
    for (let from = 0; from + partLength <= form.length; from++) {
      const part = form.slice(from, from + partLength);
      for (const at of parts.get(part) ?? []) marked.fill(1, at, at + partLength);
      parts.delete(part); // Marked once is enough: a form that repeats itself costs no more than another.
    }
  }
  return marked;
}

function cutMarked(text: string, marked: Uint8Array): string {
  let clean = '';
  let at = 0;
  while (at < text.length) {
    const isMarked = marked[at] === 1;
    const next = marked.indexOf(isMarked ? 0 : 1, at);
    const end = next < 0 ? text.length : next;
    clean += isMarked ? mark : text.slice(at, end);
    at = end;
  }
  return clean;
}

function* sentTexts({ headers = {}, body }: Pick<UpstreamRequest, 'headers' | 'body'>): Generator<string> {
  for (const [name, value] of Object.entries(headers)) {
    if (harmless.has(name.toLowerCase())) continue;
    // `Bearer` and `Basic` are no secret; in other headers the first word is one like any other.
    const [, credential = value] = (withScheme.has(name.toLowerCase()) && /^[\w-]+ +(\S.*)$/s.exec(value)) || [];
    yield* [credential, ...decoded(credential)];
  }
  if (body === undefined || body === '') return;
  const json = tryJson(body);
  const texts = json === undefined ? [body, ...new URLSearchParams(body).values()] : textsIn(json);
  for (const text of texts) yield* [text, ...decoded(text)];
}

function* textsIn(json: unknown): Generator<string> {
  if (typeof json === 'string') yield json;
  else if (typeof json === 'object' && json !== null) for (const inner of Object.values(json)) yield* textsIn(inner);
}

/** What a text in base64 says, with its own parts when that is a pair or JSON: proofs are sent so. */
function decoded(text: string): string[] {
  if (text.length < partLength || !/^[\w+/-]+={0,2}$/.test(text)) return [];
  const said = Buffer.from(text, 'base64').toString('utf8');
  if (said.includes('\ufffd')) return [];
  const json = tryJson(said);
  return [said, ...(json === undefined ? said.split(':') : textsIn(json))];
}

function formsOf(text: string): string[] {
  const whole = text.toWellFormed();
  const written = [...new Set([whole, whole.trim(), plainLine(whole, mostSent)])].flatMap((each) => {
    const inJson = JSON.stringify(each).slice(1, -1);
    return [each, inJson, asciiJson(inJson)];
  });
  return [...new Set(written)].flatMap((each) => [each, ...urlForms(each), ...base64Forms(each)]);
}

/** As encoders write it that leave nothing but ASCII, and nothing that HTML knows. */
function asciiJson(inJson: string): string {
  return inJson.replace(/[^ -~]|[<>&]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function urlForms(text: string): string[] {
  const encoded = encodeURIComponent(text);
  const inForm = new URLSearchParams({ '': text }).toString().slice(1);
  return [encoded, inForm].flatMap((each) => [each, each.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())]);
}

/** Base64 of the text wherever it begins in what was encoded, without the digits that its neighbours share. */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].flatMap((offset) => {
    const digits = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const own = digits.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
