// time.Parse of Go: a text is read by the parts of a layout. Errors have Go's text; what they quote of the value is marked.
import { quoteTime } from './duration.ts';
import { hidden } from './errors.ts';
import { fault } from './functions/define.ts';
import { type LayoutPart, layoutParts, longestTimeText } from './layouts.ts';
import { TemplateLimit } from './limits.ts';
import type { Bytes } from './text.ts';
import { daysOfDate, months, type Time, timeAt, weekdays } from './time.ts';
import { fixedZone, utc, type Zone } from './zones.ts';

/** A part that does not fit its text. */
const bad = Symbol('bad');

/** What was read so far. */
interface Reading {
  year: number;
  month: number | undefined;
  day: number | undefined;
  yearDay: number | undefined;
  hour: number;
  minute: number;
  second: number;
  nanoseconds: number;
  half: 'am' | 'pm' | undefined;
  zone: Zone | undefined;
  offset: number | undefined;
  zoneName: Bytes;
}

/** A text that is being read from its start. */
class Reader {
  rest: Bytes;

  constructor(text: Bytes) {
    this.rest = text;
  }

  /** What the pattern, anchored at the start, takes; throws `bad` when it does not match. */
  take(pattern: RegExp): Bytes {
    const found = pattern.exec(this.rest)?.[0];
    if (found === undefined) throw bad;
    this.rest = this.rest.slice(found.length);
    return found;
  }

  number(pattern: RegExp): number {
    return Number(this.take(pattern));
  }
}

/** Reads a time, in `zone` when the text names none; throws FunctionFault. */
export function parseTime(layout: Bytes, value: Bytes, zone: Zone): Time {
  const reading: Reading = {
    year: 0,
    month: undefined,
    day: undefined,
    yearDay: undefined,
    hour: 0,
    minute: 0,
    second: 0,
    nanoseconds: 0,
    half: undefined,
    zone: undefined,
    offset: undefined,
    zoneName: '',
  };
  const refused = (what: string) => fault(`parsing time ${hidden(quoteTime(value))}: ${what}`);
  if (value.length > longestTimeText) {
    throw new TemplateLimit(`the template reads a time from more than ${longestTimeText} bytes`);
  }
  const reader = new Reader(value);
  const parts = layoutParts(layout);
  for (const [index, part] of parts.entries()) {
    const before = reader.rest;
    try {
      const wrongRange = readPart(part, reader, reading, parts[index + 1]);
      if (wrongRange !== undefined) throw refused(`${wrongRange} out of range`);
    } catch (thrown) {
      if (thrown !== bad) throw thrown;
      const shown = part.type === 'text' ? reader.rest : before;
      throw fault(
        `parsing time ${hidden(quoteTime(value))} as ${quoteTime(layout)}: cannot parse ${hidden(quoteTime(shown))} as ${quoteTime(part.source)}`,
      );
    }
  }
  if (reader.rest !== '') throw refused(`extra text: ${hidden(quoteTime(reader.rest))}`);
  return assembled(reading, zone, refused);
}

/** Takes one part; returns the name of what is out of its range. */
function readPart(
  part: LayoutPart,
  reader: Reader,
  reading: Reading,
  next: LayoutPart | undefined,
): string | undefined {
  switch (part.type) {
    case 'text':
      return readText(part.source, reader);
    case 'offset':
      return readOffset(part, reader, reading);
    case 'fraction':
      return readFraction(part, reader, reading);
    case 'zone':
      return readZone(reader, reading);
    case 'second':
    case 'zeroSecond':
      return readSecond(part.type, reader, reading, next);
    default:
      return readers[part.type](reader, reading);
  }
}

/** Literal text: a space in the layout stands for any number of them. */
function readText(source: Bytes, reader: Reader): undefined {
  for (let at = 0; at < source.length; ) {
    if (source.charAt(at) === ' ') {
      if (reader.rest !== '' && !reader.rest.startsWith(' ')) throw bad;
      while (source.charAt(at) === ' ') at += 1;
      reader.take(/^ */);
      continue;
    }
    if (!reader.rest.startsWith(source.charAt(at))) throw bad;
    reader.rest = reader.rest.slice(1);
    at += 1;
  }
  return undefined;
}

const oneOrTwo = /^\d\d?/;
const two = /^\d\d/;

type SimplePart = Exclude<LayoutPart['type'], 'text' | 'offset' | 'fraction' | 'zone' | 'second' | 'zeroSecond'>;

const readers: Readonly<Record<SimplePart, (reader: Reader, reading: Reading) => string | undefined>> = {
  longYear: (reader, reading) => {
    reading.year = reader.number(/^\d{4}/);
    return undefined;
  },
  year: (reader, reading) => {
    const short = reader.number(two);
    reading.year = short + (short >= 69 ? 1900 : 2000);
    return undefined;
  },
  longMonth: (reader, reading) => {
    reading.month = readName(reader, months) + 1;
    return undefined;
  },
  month: (reader, reading) => {
    reading.month = readName(reader, shortNames(months)) + 1;
    return undefined;
  },
  numMonth: (reader, reading) => monthRange(reading, reader.number(oneOrTwo)),
  zeroMonth: (reader, reading) => monthRange(reading, reader.number(two)),
  longWeekday: (reader) => {
    readName(reader, weekdays);
    return undefined;
  },
  weekday: (reader) => {
    readName(reader, shortNames(weekdays));
    return undefined;
  },
  day: (reader, reading) => readDay(reading, reader.number(oneOrTwo)),
  underDay: (reader, reading) => {
    reader.take(/^ ?/);
    return readDay(reading, reader.number(oneOrTwo));
  },
  zeroDay: (reader, reading) => readDay(reading, reader.number(two)),
  underYearDay: (reader, reading) => {
    reader.take(/^ {0,2}/);
    reading.yearDay = reader.number(/^\d{1,3}/);
    return undefined;
  },
  zeroYearDay: (reader, reading) => {
    reading.yearDay = reader.number(/^\d{3}/);
    return undefined;
  },
  hour: (reader, reading) => {
    reading.hour = reader.number(oneOrTwo);
    return reading.hour >= 24 ? 'hour' : undefined;
  },
  hour12: (reader, reading) => hourRange(reading, reader.number(oneOrTwo)),
  zeroHour12: (reader, reading) => hourRange(reading, reader.number(two)),
  minute: (reader, reading) => minuteRange(reading, reader.number(oneOrTwo)),
  zeroMinute: (reader, reading) => minuteRange(reading, reader.number(two)),
  upperHalf: (reader, reading) => {
    reading.half = reader.take(/^[AP]M/) === 'PM' ? 'pm' : 'am';
    return undefined;
  },
  lowerHalf: (reader, reading) => {
    reading.half = reader.take(/^[ap]m/) === 'pm' ? 'pm' : 'am';
    return undefined;
  },
};

function shortNames(names: readonly string[]): readonly string[] {
  return names.map((name) => name.slice(0, 3));
}

function readName(reader: Reader, names: readonly string[]): number {
  const lower = reader.rest.slice(0, 10).toLowerCase();
  const found = names.findIndex((name) => lower.startsWith(name.toLowerCase()));
  if (found < 0) throw bad;
  reader.rest = reader.rest.slice(names[found]?.length);
  return found;
}

function monthRange(reading: Reading, month: number): string | undefined {
  reading.month = month;
  return month < 1 || month > 12 ? 'month' : undefined;
}

function readDay(reading: Reading, day: number): undefined {
  reading.day = day;
}

function hourRange(reading: Reading, hour: number): string | undefined {
  reading.hour = hour;
  return hour > 12 ? 'hour' : undefined;
}

function minuteRange(reading: Reading, minute: number): string | undefined {
  reading.minute = minute;
  return minute >= 60 ? 'minute' : undefined;
}

/** Seconds may have a fraction that the layout does not mention. */
function readSecond(
  type: 'second' | 'zeroSecond',
  reader: Reader,
  reading: Reading,
  next: LayoutPart | undefined,
): string | undefined {
  reading.second = reader.number(type === 'second' ? oneOrTwo : two);
  if (reading.second >= 60) return 'second';
  if (next?.type !== 'fraction' && /^[.,]\d/.test(reader.rest)) takeFraction(reader, reading, /^[.,]\d+/);
  return undefined;
}

function takeFraction(reader: Reader, reading: Reading, pattern: RegExp): void {
  const digits = reader.take(pattern).slice(1, 10);
  reading.nanoseconds = Number(digits.padEnd(9, '0'));
}

function readFraction(part: Extract<LayoutPart, { type: 'fraction' }>, reader: Reader, reading: Reading): undefined {
  if (!part.isTrimmed) takeFraction(reader, reading, new RegExp(`^[.,]\\d{${part.digits}}`));
  else if (/^[.,]\d/.test(reader.rest)) takeFraction(reader, reading, /^[.,]\d+/);
  return undefined;
}

function readOffset(
  part: Extract<LayoutPart, { type: 'offset' }>,
  reader: Reader,
  reading: Reading,
): string | undefined {
  if (part.isIso && reader.rest.startsWith('Z')) {
    reader.rest = reader.rest.slice(1);
    reading.zone = utc;
    return undefined;
  }
  const colon = part.hasColon ? ':' : '';
  const fields = part.unit === 'hour' ? 1 : part.unit === 'minute' ? 2 : 3;
  const pattern = new RegExp(`^[+-]${Array(fields).fill('\\d\\d').join(colon)}`);
  const text = reader.take(pattern);
  const [hours = 0, minutes = 0, seconds = 0] = (text.slice(1).match(/\d\d/g) ?? []).map(Number);
  const size = (hours * 60 + minutes) * 60 + seconds;
  reading.offset = text.startsWith('-') ? -size : size;
  if (hours > 24) return 'time zone offset hour';
  if (minutes > 60) return 'time zone offset minute';
  return seconds > 60 ? 'time zone offset second' : undefined;
}

function readZone(reader: Reader, reading: Reading): undefined {
  if (reader.rest.startsWith('UTC')) {
    reader.rest = reader.rest.slice(3);
    reading.zone = utc;
    return;
  }
  const size = zoneNameSize(reader.rest);
  if (size === 0) throw bad;
  reading.zoneName = reader.rest.slice(0, size);
  reader.rest = reader.rest.slice(size);
}

/** Bytes of the abbreviation at the start of a text: three letters, or four or five that end in T; 0 when there is none. */
function zoneNameSize(text: Bytes): number {
  if (text.length < 3) return 0;
  if (/^(?:ChST|MeST|WITA)/.test(text) && !/^WITA[A-Z]/.test(text)) return 4;
  if (text.startsWith('GMT')) return 3 + signedOffsetSize(text.slice(3));
  if (/^[+-]/.test(text)) return signedOffsetSize(text);
  const letters = /^[A-Z]{0,6}/.exec(text)?.[0] ?? '';
  if (letters.length === 3) return 3;
  return (letters.length === 4 || letters.length === 5) && letters.endsWith('T') ? letters.length : 0;
}

function signedOffsetSize(text: Bytes): number {
  const found = /^[+-](\d+)/.exec(text);
  return found !== null && Number(found[1]) <= 23 ? found[0].length : 0;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysIn(year: number, month: number): number {
  return daysOfDate(year, month + 1, 1) - daysOfDate(year, month, 1);
}

function assembled(reading: Reading, zone: Zone, refused: (what: string) => Error): Time {
  const { month, day } = reading.yearDay === undefined ? reading : dateOfYearDay(reading, reading.yearDay, refused);
  const date = { ...reading, month: month ?? 1, day: day ?? 1, hour: hourOf(reading) };
  if (date.day < 1 || date.day > daysIn(date.year, date.month)) throw refused('day out of range');
  if (reading.zone !== undefined) return timeAt(date, reading.zone);
  const inUtc = timeAt(date, utc);
  if (reading.offset !== undefined) {
    const time = { ...inUtc, seconds: inUtc.seconds - reading.offset };
    const there = zone.at(time.seconds);
    const isThere = there.offset === reading.offset && (reading.zoneName === '' || reading.zoneName === there.name);
    return { ...time, zone: isThere ? zone : fixedZone(reading.zoneName, reading.offset) };
  }
  if (reading.zoneName === '') return timeAt(date, zone);
  const name = reading.zoneName;
  if (zone.at(inUtc.seconds).name === name) return timeAt(date, zone);
  const gmtOffset = name.length > 3 && name.startsWith('GMT') ? Number(name.slice(3)) * 3600 : 0;
  return { ...inUtc, zone: fixedZone(name, gmtOffset) };
}

function hourOf({ hour, half }: Reading): number {
  if (half === 'pm' && hour < 12) return hour + 12;
  return half === 'am' && hour === 12 ? 0 : hour;
}

function dateOfYearDay(
  reading: Reading,
  yearDay: number,
  refused: (what: string) => Error,
): { readonly month: number; readonly day: number } {
  if (yearDay < 1 || yearDay > (isLeap(reading.year) ? 366 : 365)) throw refused('day-of-year out of range');
  let month = 1;
  let day = yearDay;
  while (day > daysIn(reading.year, month)) {
    day -= daysIn(reading.year, month);
    month += 1;
  }
  if (reading.month !== undefined && reading.month !== month) throw refused('day-of-year does not match month');
  if (reading.day !== undefined && reading.day !== day) throw refused('day-of-year does not match day');
  return { month, day };
}
