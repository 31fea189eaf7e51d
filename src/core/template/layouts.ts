// The layouts of Go's time package: a text in which the parts of Mon Jan 2 15:04:05 MST 2006 stand for the parts of a time
// (https://pkg.go.dev/time#pkg-constants). Writing and reading walk over the same parts.
import { TemplateLimit } from './limits.ts';
import type { Bytes } from './text.ts';

/** Longest layout, and longest text that is read by one, in bytes. */
export const longestTimeText = 4096;

/** What a part of a layout stands for. */
export type LayoutPart =
  | { readonly type: 'text'; readonly source: Bytes }
  | { readonly type: Exclude<PartType, 'text' | 'fraction' | 'offset'>; readonly source: Bytes }
  | { readonly type: 'fraction'; readonly source: Bytes; readonly digits: number; readonly isTrimmed: boolean }
  | {
      readonly type: 'offset';
      readonly source: Bytes;
      /** `Z` for an offset of zero. */
      readonly isIso: boolean;
      readonly hasColon: boolean;
      readonly unit: 'hour' | 'minute' | 'second';
    };

type PartType =
  | 'text'
  | 'longYear'
  | 'year'
  | 'longMonth'
  | 'month'
  | 'numMonth'
  | 'zeroMonth'
  | 'longWeekday'
  | 'weekday'
  | 'day'
  | 'underDay'
  | 'zeroDay'
  | 'underYearDay'
  | 'zeroYearDay'
  | 'hour'
  | 'hour12'
  | 'zeroHour12'
  | 'minute'
  | 'zeroMinute'
  | 'second'
  | 'zeroSecond'
  | 'upperHalf'
  | 'lowerHalf'
  | 'zone'
  | 'fraction'
  | 'offset';

/** In the order in which they are tried at a place. `Jan` and `Mon` need no lower case letter after them. */
const sources: readonly (readonly [Bytes, Exclude<PartType, 'text' | 'fraction' | 'offset'>])[] = [
  ['January', 'longMonth'],
  ['Jan', 'month'],
  ['Monday', 'longWeekday'],
  ['Mon', 'weekday'],
  ['MST', 'zone'],
  ['01', 'zeroMonth'],
  ['02', 'zeroDay'],
  ['03', 'zeroHour12'],
  ['04', 'zeroMinute'],
  ['05', 'zeroSecond'],
  ['06', 'year'],
  ['002', 'zeroYearDay'],
  ['15', 'hour'],
  ['1', 'numMonth'],
  ['2006', 'longYear'],
  ['2', 'day'],
  ['_2', 'underDay'],
  ['__2', 'underYearDay'],
  ['3', 'hour12'],
  ['4', 'minute'],
  ['5', 'second'],
  ['PM', 'upperHalf'],
  ['pm', 'lowerHalf'],
];

const offsets = ['070000', '07:00:00', '0700', '07:00', '07'];

/** The parts of a layout, literal text between them. */
export function layoutParts(layout: Bytes): readonly LayoutPart[] {
  if (layout.length > longestTimeText) {
    throw new TemplateLimit(`the template uses a layout of times of more than ${longestTimeText} bytes`);
  }
  const parts: LayoutPart[] = [];
  let textStart = 0;
  for (let at = 0; at < layout.length; ) {
    const part = partAt(layout, at);
    if (part === undefined) {
      at += 1;
      continue;
    }
    if (at > textStart) parts.push({ type: 'text', source: layout.slice(textStart, at) });
    parts.push(part);
    at += part.source.length;
    textStart = at;
  }
  if (textStart < layout.length) parts.push({ type: 'text', source: layout.slice(textStart) });
  return parts;
}

function partAt(layout: Bytes, at: number): LayoutPart | undefined {
  const char = layout.charAt(at);
  if (char === '-' || char === 'Z') return offsetAt(layout, at);
  if (char === '.' || char === ',') return fractionAt(layout, at);
  if (layout.startsWith('_2006', at)) return undefined; // a literal _ before the year
  for (const [source, type] of sources) {
    if (!layout.startsWith(source, at)) continue;
    const isShortName = source === 'Jan' || source === 'Mon';
    if (isShortName && /[a-z]/.test(layout.charAt(at + source.length))) continue;
    return { type, source };
  }
  return undefined;
}

function offsetAt(layout: Bytes, at: number): LayoutPart | undefined {
  const digits = offsets.find((form) => layout.startsWith(form, at + 1));
  if (digits === undefined) return undefined;
  const count = digits.replaceAll(':', '').length;
  return {
    type: 'offset',
    source: layout.charAt(at) + digits,
    isIso: layout.charAt(at) === 'Z',
    hasColon: digits.includes(':'),
    unit: count === 2 ? 'hour' : count === 4 ? 'minute' : 'second',
  };
}

/** `.000` or `,999`: a run of one digit that no other digit follows. */
function fractionAt(layout: Bytes, at: number): LayoutPart | undefined {
  const digit = layout.charAt(at + 1);
  if (digit !== '0' && digit !== '9') return undefined;
  let end = at + 1;
  while (layout.charAt(end) === digit) end += 1;
  if (/[0-9]/.test(layout.charAt(end))) return undefined;
  return { type: 'fraction', source: layout.slice(at, end), digits: end - at - 1, isTrimmed: digit === '9' };
}
