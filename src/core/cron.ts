// When a cron schedule fires, in UTC: five fields (minute hour day month weekday) or a word such as `@daily`, with the
// grammar of https://pkg.go.dev/github.com/robfig/cron/v3#hdr-CRON_Expression_Format. Pure; `@every` is not a schedule of
// instants and is left to sync-windows.ts.

/** The values on which each field fires. A day counts when both day fields do, or either if neither was `*`. */
export interface CronSchedule {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  readonly isEitherDay: boolean;
}

interface FieldRule {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const monthNames = ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const rules = {
  minute: { min: 0, max: 59, names: [] },
  hour: { min: 0, max: 23, names: [] },
  day: { min: 1, max: 31, names: [] },
  month: { min: 1, max: 12, names: monthNames },
  weekday: { min: 0, max: 6, names: weekdayNames },
} as const satisfies Record<string, FieldRule>;

const words: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

/** The schedule of a text, or undefined when it is none. */
export function parseCron(text: string): CronSchedule | undefined {
  const fields = (words.get(text) ?? text).trim().split(/\s+/);
  const [minute, hour, day, month, weekday] = fields;
  if (fields.length !== 5 || weekday === undefined) return undefined;
  const minutes = valuesOf(minute ?? '', rules.minute);
  const hours = valuesOf(hour ?? '', rules.hour);
  const days = valuesOf(day ?? '', rules.day);
  const months = valuesOf(month ?? '', rules.month);
  const weekdays = valuesOf(weekday, rules.weekday);
  if (!minutes || !hours || !days || !months || !weekdays) return undefined;
  return { minutes, hours, days, months, weekdays, isEitherDay: !isAny(day ?? '') && !isAny(weekday) };
}

/** A field that restricts nothing; `*` with a step of more than one does restrict. */
function isAny(field: string): boolean {
  return field.split(',').some((part) => /^[*?](\/0*1)?$/.test(part));
}

function valuesOf(field: string, rule: FieldRule): ReadonlySet<number> | undefined {
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const range = rangeOf(part, rule);
    if (range === undefined) return undefined;
    for (let value = range.from; value <= range.to; value += range.step) values.add(value);
  }
  return values;
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** `*`, `5`, `1-5`, each with an optional `/step`; a single value with a step runs to the end of the field. */
function rangeOf(part: string, rule: FieldRule): Range | undefined {
  const [span = '', stepText, ...more] = part.split('/');
  const step = stepText === undefined ? 1 : numberOf(stepText, []);
  if (more.length > 0 || step === undefined || step < 1) return undefined;
  if (span === '*' || span === '?') return { from: rule.min, to: rule.max, step };
  const [first = '', last, ...rest] = span.split('-');
  const from = numberOf(first, rule.names);
  const end = stepText === undefined ? from : rule.max;
  const to = last === undefined ? end : numberOf(last, rule.names);
  if (rest.length > 0 || from === undefined || to === undefined) return undefined;
  return from < rule.min || to > rule.max || from > to ? undefined : { from, to, step };
}

function numberOf(text: string, names: readonly string[]): number | undefined {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  const at = text === '' ? -1 : names.indexOf(text.toLowerCase());
  return at < 0 ? undefined : at;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** A leap day falls on each weekday once in 28 years, and there may be 8 years between two leap days. */
const longestSearchDays = 366 * 41;

/** The first instant after `afterMs` at which the schedule fires, epoch ms; undefined when it never does (30 February). */
export function nextFiringMs(schedule: CronSchedule, afterMs: number): number | undefined {
  const firstMs = Math.floor(afterMs / minuteMs) * minuteMs + minuteMs;
  const midnightMs = Math.floor(firstMs / dayMs) * dayMs;
  for (let i = 0; i < longestSearchDays; i++) {
    const dayStartMs = midnightMs + i * dayMs;
    if (!isOnDay(schedule, new Date(dayStartMs))) continue;
    const firing = firstInDay(schedule, dayStartMs, firstMs);
    if (firing !== undefined) return firing;
  }
  return undefined;
}

function isOnDay({ months, days, weekdays, isEitherDay }: CronSchedule, date: Date): boolean {
  if (!months.has(date.getUTCMonth() + 1)) return false;
  const isDay = days.has(date.getUTCDate());
  const isWeekday = weekdays.has(date.getUTCDay());
  return isEitherDay ? isDay || isWeekday : isDay && isWeekday;
}

function firstInDay({ hours, minutes }: CronSchedule, dayStartMs: number, firstMs: number): number | undefined {
  for (let hour = 0; hour < 24; hour++) {
    if (!hours.has(hour)) continue;
    for (let minute = 0; minute < 60; minute++) {
      const atMs = dayStartMs + (hour * 60 + minute) * minuteMs;
      if (minutes.has(minute) && atMs >= firstMs) return atMs;
    }
  }
  return undefined;
}
