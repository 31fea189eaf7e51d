// A server's words without what differs from answer to answer: request ids, instants, counts of seconds. What stays is the
// same next time, so that a condition is written once and not per try.

/** In order; each takes time in proportion to the text. */
const masks: readonly (readonly [pattern: RegExp, mask: string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<id>'],
  [/\b(?:req|request)[-_ ]?id[:= '"]{1,3}[\w-]{1,64}/gi, '<request id>'],
  [/\breq-[\w-]{1,64}/gi, '<request id>'],
  [/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)?(?:Z|[+-]\d\d:?\d\d)?/g, '<time>'],
  [
    /\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [\w ]{6,11} (?:\d{4} )?\d\d:\d\d:\d\d(?: (?:GMT|UTC))?(?:[+-]\d{4})?/g,
    '<time>',
  ],
  [/\b\d{1,9}(?:\.\d{1,9})?(?= ?(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b)/g, '<n>'],
  [/\b[0-9a-f]{16,}\b/gi, '<id>'],
  [/\b\d{6,}\b/g, '<n>'],
];

/** Longest word that is written with letters of both cases and digits and yet is a name. */
const longestName = 19;

/** The text with a mask in place of each id, instant and duration. */
export function steady(text: string): string {
  const masked = masks.reduce((all, [pattern, mask]) => all.replace(pattern, mask), text);
  return masked.replace(/[\w-]+/g, (word) => (isRandom(word) ? '<id>' : word));
}

function isRandom(word: string): boolean {
  return word.length > longestName && /[a-z]/.test(word) && /[A-Z]/.test(word) && /\d/.test(word);
}
