// Go's time.Time: an instant to the nanosecond in a zone, written and read by layouts. The calendar is Gregorian throughout.
import { type LayoutPart, layoutParts } from './layouts.ts';
import type { Bytes } from './text.ts';
import { utc, type Zone } from './zones.ts';

export interface Time {
  /** Seconds since the epoch; may be negative. */
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly zone: Zone;
}

export const months: readonly string[] =
  'January February March April May June July August September October November December'.split(' ');
export const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** The clock and the calendar of a time in its zone. */
export interface Clock {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** From 1. */
  readonly yearDay: number;
}

const daySeconds = 86400;

export function clockOf({ seconds, zone }: Time): Clock {
  const shown = seconds + zone.at(seconds).offset;
  const days = Math.floor(shown / daySeconds);
  const rest = shown - days * daySeconds;
  const date = dateOfDays(days);
  return {
    ...date,
    hour: Math.floor(rest / 3600),
    minute: Math.floor((rest % 3600) / 60),
    second: rest % 60,
    weekday: (((days + 4) % 7) + 7) % 7,
    yearDay: days - daysOfDate(date.year, 1, 1) + 1,
  };
}

/** Days from the epoch to a date; a month or day past its range counts on. */
export function daysOfDate(year: number, month: number, day: number): number {
  const monthIndex = year * 12 + month - 1;
  const fromMarch = monthIndex - 2;
  const y = Math.floor(fromMarch / 12);
  const m = fromMarch - y * 12;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * m + 2) / 5) + day - 1;
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468;
}

function dateOfDays(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const m = Math.floor((5 * dayOfYear + 2) / 153);
  const month = m < 10 ? m + 3 : m - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * m + 2) / 5) + 1,
  };
}

/** The instant at which a zone's clock shows a date and time (time.Date). */
export function timeAt(
  date: Pick<Clock, 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second'> & { readonly nanoseconds: number },
  zone: Zone,
): Time {
  const days = daysOfDate(date.year, date.month, date.day);
  const shown = days * daySeconds + date.hour * 3600 + date.minute * 60 + date.second;
  let seconds = shown - zone.at(shown).offset;
  const again = shown - zone.at(seconds).offset; // the offset holds at the instant, not at what the clock shows
  if (again !== seconds) seconds = again;
  return { seconds, nanoseconds: date.nanoseconds, zone };
}

/** A time so many nanoseconds later. */
export function timeAfter(time: Time, nanoseconds: bigint): Time {
  const total = BigInt(time.nanoseconds) + nanoseconds;
  const whole = total / 1_000_000_000n;
  const rest = Number(total % 1_000_000_000n);
  const borrow = rest < 0 ? 1 : 0;
  return { ...time, seconds: time.seconds + Number(whole) - borrow, nanoseconds: rest + borrow * 1_000_000_000 };
}

/** Nanoseconds from the second time to the first, within an int64 (Time.Sub). */
export function nanosecondsBetween(later: Time, earlier: Time): bigint {
  const exact =
    BigInt(later.seconds - earlier.seconds) * 1_000_000_000n + BigInt(later.nanoseconds - earlier.nanoseconds);
  const most = (1n << 63n) - 1n;
  return exact > most ? most : exact < -most - 1n ? -most - 1n : exact;
}

export function timeOfMs(ms: number, zone: Zone = utc): Time {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanoseconds: Math.round((ms - seconds * 1000) * 1e6), zone };
}

/** Year 1, January 1: the time that is no time. */
export const zeroTime: Time = { seconds: -62135596800, nanoseconds: 0, zone: utc };

/** Time.String, without the reading of a monotonic clock. */
export function timeText(time: Time): Bytes {
  return formatTime(time, '2006-01-02 15:04:05.999999999 -0700 MST');
}

/** Time.Format. */
export function formatTime(time: Time, layout: Bytes): Bytes {
  const clock = clockOf(time);
  return layoutParts(layout)
    .map((part) => writePart(part, clock, time))
    .join('');
}

function writePart(part: LayoutPart, clock: Clock, time: Time): Bytes {
  switch (part.type) {
    case 'text':
      return part.source;
    case 'offset':
      return writeOffset(part, time.zone.at(time.seconds).offset);
    case 'fraction':
      return writeFraction(part, time.nanoseconds);
    case 'zone':
      return zoneText(time);
    default:
      return writers[part.type](clock);
  }
}

type SimplePart = Exclude<LayoutPart['type'], 'text' | 'offset' | 'fraction' | 'zone'>;

const writers: Readonly<Record<SimplePart, (clock: Clock) => Bytes>> = {
  longYear: ({ year }) => padded(year, 4),
  year: ({ year }) => padded(Math.abs(year) % 100, 2),
  longMonth: ({ month }) => months[month - 1] ?? '',
  month: ({ month }) => (months[month - 1] ?? '').slice(0, 3),
  numMonth: ({ month }) => String(month),
  zeroMonth: ({ month }) => padded(month, 2),
  longWeekday: ({ weekday }) => weekdays[weekday] ?? '',
  weekday: ({ weekday }) => (weekdays[weekday] ?? '').slice(0, 3),
  day: ({ day }) => String(day),
  underDay: ({ day }) => String(day).padStart(2),
  zeroDay: ({ day }) => padded(day, 2),
  underYearDay: ({ yearDay }) => String(yearDay).padStart(3),
  zeroYearDay: ({ yearDay }) => padded(yearDay, 3),
  hour: ({ hour }) => padded(hour, 2),
  hour12: ({ hour }) => String(hour % 12 || 12),
  zeroHour12: ({ hour }) => padded(hour % 12 || 12, 2),
  minute: ({ minute }) => String(minute),
  zeroMinute: ({ minute }) => padded(minute, 2),
  second: ({ second }) => String(second),
  zeroSecond: ({ second }) => padded(second, 2),
  upperHalf: ({ hour }) => (hour >= 12 ? 'PM' : 'AM'),
  lowerHalf: ({ hour }) => (hour >= 12 ? 'pm' : 'am'),
};

function padded(value: number, width: number): Bytes {
  return (value < 0 ? '-' : '') + String(Math.abs(value)).padStart(width, '0');
}

function writeOffset(part: Extract<LayoutPart, { type: 'offset' }>, offset: number): Bytes {
  if (part.isIso && offset === 0) return 'Z';
  const minutes = Math.trunc(offset / 60);
  const size = Math.abs(minutes);
  const fields = [padded(Math.trunc(size / 60), 2)];
  if (part.unit !== 'hour') fields.push(padded(size % 60, 2));
  if (part.unit === 'second') fields.push(padded(Math.abs(offset) % 60, 2));
  return (minutes < 0 ? '-' : '+') + fields.join(part.hasColon ? ':' : '');
}

function zoneText({ zone, seconds }: Time): Bytes {
  const { name, offset } = zone.at(seconds);
  if (name !== '') return name;
  return writeOffset({ type: 'offset', source: '', isIso: false, hasColon: false, unit: 'minute' }, offset);
}

function writeFraction(part: Extract<LayoutPart, { type: 'fraction' }>, nanoseconds: number): Bytes {
  const digits = padded(nanoseconds, 9).slice(0, part.digits);
  const shown = part.isTrimmed ? digits.replace(/0+$/, '') : digits;
  return part.isTrimmed && shown === '' ? '' : part.source.charAt(0) + shown;
}
