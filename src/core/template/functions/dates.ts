// Sprig's dates. What reads the clock sees the instant of the render, and is marked: its result differs the next time.
import {
  durationValue,
  formatDuration,
  hour,
  minute,
  parseDuration,
  roundDuration,
  second,
  wrapped,
} from '../duration.ts';
import { FunctionFault } from '../errors.ts';
import type { Bytes } from '../text.ts';
import {
  clockOf,
  formatTime,
  months,
  nanosecondsBetween,
  type Time,
  timeAfter,
  timeAt,
  timeOfMs,
  timeText,
  weekdays,
  zeroTime,
} from '../time.ts';
import { parseTime } from '../time-parse.ts';
import { type Method, type ParamType, Sized, Struct, type Value } from '../values.ts';
import { local, utc, type Zone, zoneOf } from '../zones.ts';
import { define, fault, payingForTexts, type TemplateFunction } from './define.ts';

const htmlLayout = '2006-01-02';
const usesClock = { isVolatile: true };

const uncharged: readonly TemplateFunction[] = [
  define('now', [], 'the time of the render', (_, { nowMs }) => timeValue(timeOfMs(nowMs, local)), usesClock),
  define(
    'date',
    ['string', 'any'],
    'a time by a layout of Go; anything but a time or a number of seconds is now',
    ([layout, date], { nowMs }) => shown(layout, timeFrom(date, nowMs), 'Local'),
    usesClock,
  ),
  ...aliases(['dateInZone', 'date_in_zone'], (name) =>
    define(
      name,
      ['string', 'any', 'string'],
      'date in a time zone: layout, time, zone',
      ([layout, date, zone], { nowMs }) => shown(layout, timeFrom(date, nowMs), zone),
      usesClock,
    ),
  ),
  define(
    'htmlDate',
    ['any'],
    'a date for an input of HTML: 2006-01-02',
    ([date], { nowMs }) => shown(htmlLayout, timeFrom(date, nowMs), 'Local'),
    usesClock,
  ),
  define(
    'htmlDateInZone',
    ['any', 'string'],
    'htmlDate in a time zone',
    ([date, zone], { nowMs }) => shown(htmlLayout, timeFrom(date, nowMs), zone),
    usesClock,
  ),
  ...aliases(['dateModify', 'date_modify'], (name) =>
    define(
      name,
      ['string', 'time'],
      'a time a duration later; the time itself when it is no duration',
      ([by, date]) => {
        const duration = attempt(() => parseDuration(by));
        return duration === undefined ? date : timeValue(timeAfter(timeIn(date), duration));
      },
    ),
  ),
  ...aliases(['mustDateModify', 'must_date_modify'], (name) =>
    define(name, ['string', 'time'], 'dateModify that fails when it is no duration', ([by, date]) =>
      timeValue(timeAfter(timeIn(date), parseDuration(by))),
    ),
  ),
  define(
    'ago',
    ['any'],
    'the duration since a time, in seconds',
    ([date], { nowMs }) =>
      formatDuration(roundDuration(nanosecondsBetween(timeOfMs(nowMs), timeFrom(date, nowMs)), second)),
    usesClock,
  ),
  define('duration', ['any'], 'seconds as a duration', ([seconds]) =>
    formatDuration(wrapped(secondsIn(seconds) * second)),
  ),
  define(
    'durationRound',
    ['any'],
    'a duration in its largest unit: 2h, 3mo',
    ([duration], { nowMs }) => roughly(durationIn(duration, nowMs)),
    usesClock,
  ),
  define(
    'toDate',
    ['string', 'string'],
    'the time that a text tells by a layout; the year 1 when it tells none',
    ([layout, text]) => timeValue(attempt(() => parseTime(layout, text, local)) ?? zeroTime),
  ),
  define('mustToDate', ['string', 'string'], 'toDate that fails when the text tells no time', ([layout, text]) =>
    timeValue(parseTime(layout, text, local)),
  ),
  define('unixEpoch', ['time'], 'seconds since 1970', ([date]) => String(timeIn(date).seconds)),
];

/** What is no date or duration is quoted in an error, byte by byte, even where the error is caught. */
export const dateFunctions: readonly TemplateFunction[] = uncharged.map((definition) =>
  payingForTexts(definition, { ascii: 8, other: 4 }),
);

function aliases(names: readonly Bytes[], make: (name: Bytes) => TemplateFunction): readonly TemplateFunction[] {
  return names.map(make);
}

/** The result, or undefined when it is a fault. */
function attempt<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch (thrown) {
    if (thrown instanceof FunctionFault) return undefined;
    throw thrown;
  }
}

function shown(layout: Bytes, time: Time, zone: Bytes): Bytes {
  return formatTime({ ...time, zone: zoneOf(zone) }, layout);
}

/** A time, or seconds since the epoch (int and int64 only); all else is now. */
function timeFrom(date: Value, nowMs: number): Time {
  if (date instanceof Struct && date.type === 'time.Time') return timeIn(date);
  if (typeof date === 'bigint') return atSecond(date);
  if (date instanceof Sized && (date.type === 'int64' || date.type === 'int32')) return atSecond(date.value);
  return timeOfMs(nowMs, local);
}

/** Past this the calendar is not exact any more; no date means anything there. */
const mostSeconds = 1n << 52n;

function atSecond(seconds: bigint): Time {
  if (seconds > mostSeconds || seconds < -mostSeconds) throw fault('the time is out of range');
  return { seconds: Number(seconds), nanoseconds: 0, zone: local };
}

function timeIn(value: Struct): Time {
  return value.inner as Time; // only timeValue makes a time.Time
}

/** Text as strconv.ParseInt reads it: past an int64 it is the nearest one, and no number at all is 0. */
function secondsIn(value: Value): bigint {
  if (value instanceof Sized && value.type === 'int64') return value.value;
  if (typeof value !== 'string' || !/^[+-]?\d+$/.test(value)) return 0n;
  const number = BigInt(value.replace(/^\+/, ''));
  const most = (1n << 63n) - 1n;
  return number > most ? most : number < -most - 1n ? -most - 1n : number;
}

function durationIn(value: Value, nowMs: number): bigint {
  if (typeof value === 'string') return attempt(() => parseDuration(value)) ?? 0n;
  if (value instanceof Sized && value.type === 'int64') return value.value;
  if (value instanceof Struct && value.type === 'time.Time') return nanosecondsBetween(timeOfMs(nowMs), timeIn(value));
  return 0n;
}

const roughUnits: readonly (readonly [bigint, string])[] = [
  [365n * 24n * hour, 'y'],
  [30n * 24n * hour, 'mo'],
  [24n * hour, 'd'],
  [hour, 'h'],
  [minute, 'm'],
  [second, 's'],
];

function roughly(nanoseconds: bigint): Bytes {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const [unit, name] = roughUnits.find(([bound]) => size > bound) ?? [];
  return unit === undefined ? '0s' : `${size / unit}${name}`;
}

/** Time.MarshalJSON. */
function timeJson(time: Time): Bytes {
  const { year } = clockOf(time);
  if (year < 0 || year > 9999)
    throw fault('json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: year outside of range [0,9999]');
  return `"${formatTime(time, '2006-01-02T15:04:05.999999999Z07:00')}"`;
}

type Methods = Map<Bytes, { readonly params: readonly ParamType[]; readonly body: Method }>;

/** A time as a template's value, with the methods that templates call. */
export function timeValue(time: Time): Struct {
  return new Struct({
    type: 'time.Time',
    text: timeText(time),
    inner: time,
    methods: methodsOf(time),
    json: () => timeJson(time),
    isSame: (other) =>
      other.type === 'time.Time' && order(time, timeIn(other)) === 0 && time.zone === timeIn(other).zone,
  });
}

function methodsOf(time: Time): Methods {
  const methods: Methods = new Map();
  const add = (name: Bytes, params: readonly ParamType[], body: Method) => methods.set(name, { params, body });
  const clock = () => clockOf(time);
  const inZone = (zone: Zone) => timeValue({ ...time, zone });
  const nanoseconds = () => BigInt(time.seconds) * second + BigInt(time.nanoseconds);
  add('Year', [], () => BigInt(clock().year));
  add('Month', [], () => named('time.Month', clock().month, months[clock().month - 1]));
  add('Day', [], () => BigInt(clock().day));
  add('Hour', [], () => BigInt(clock().hour));
  add('Minute', [], () => BigInt(clock().minute));
  add('Second', [], () => BigInt(clock().second));
  add('Nanosecond', [], () => BigInt(time.nanoseconds));
  add('Weekday', [], () => named('time.Weekday', clock().weekday, weekdays[clock().weekday]));
  add('YearDay', [], () => BigInt(clock().yearDay));
  add('Unix', [], () => new Sized('int64', BigInt(time.seconds)));
  add('UnixMilli', [], () => new Sized('int64', floorDivide(nanoseconds(), 1_000_000n)));
  add('UnixMicro', [], () => new Sized('int64', floorDivide(nanoseconds(), 1000n)));
  add('UnixNano', [], () => new Sized('int64', wrapped(nanoseconds())));
  add('UTC', [], () => inZone(utc));
  add('Local', [], () => inZone(local));
  add('String', [], () => timeText(time));
  add('IsZero', [], () => time.seconds === zeroTime.seconds && time.nanoseconds === 0);
  add('Format', ['string'], ([layout]) => formatTime(time, typeof layout === 'string' ? layout : ''));
  add('Add', ['duration'], ([by]) => timeValue(timeAfter(time, by instanceof Sized ? by.value : 0n)));
  add('Sub', ['time'], ([other]) => durationValue(nanosecondsBetween(time, given(other))));
  add('Before', ['time'], ([other]) => order(time, given(other)) < 0);
  add('After', ['time'], ([other]) => order(time, given(other)) > 0);
  add('Equal', ['time'], ([other]) => order(time, given(other)) === 0);
  add('AddDate', ['int', 'int', 'int'], (by) => timeValue(dateLater(time, by)));
  return methods;
}

function given(value: Value | undefined): Time {
  return value instanceof Struct ? timeIn(value) : zeroTime;
}

function named(type: 'time.Month' | 'time.Weekday', value: number, name: string | undefined): Sized {
  return new Sized(type, BigInt(value), name);
}

function floorDivide(value: bigint, by: bigint): bigint {
  const whole = value / by;
  return value % by < 0n ? whole - 1n : whole;
}

function order(left: Time, right: Time): number {
  return left.seconds - right.seconds || left.nanoseconds - right.nanoseconds;
}

function dateLater(time: Time, by: readonly Value[]): Time {
  const [yearCount = 0, monthCount = 0, dayCount = 0] = by.map((part) => {
    const count = typeof part === 'bigint' ? part : 0n;
    if (count > 1_000_000n || count < -1_000_000n) throw fault('the time is out of range');
    return Number(count);
  });
  const clock = clockOf(time);
  const date = { ...clock, year: clock.year + yearCount, month: clock.month + monthCount, day: clock.day + dayCount };
  return timeAt({ ...date, nanoseconds: time.nanoseconds }, time.zone);
}
