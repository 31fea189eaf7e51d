// Time zones as Go's time.Location: a name, and which offset and abbreviation hold at an instant. Intl knows the offsets.
import type { Bytes } from './text.ts';
import { zoneNames } from './zone-names.ts';

export interface ZoneTime {
  /** Abbreviation: CET, UTC, +03; empty when none is known. */
  readonly name: Bytes;
  /** Seconds east of UTC. */
  readonly offset: number;
}

export interface Zone {
  readonly name: Bytes;
  readonly at: (unixSeconds: number) => ZoneTime;
}

export const utc: Zone = { name: 'UTC', at: () => ({ name: 'UTC', offset: 0 }) };

/** The zone of the process: ESO's images set none, so it is UTC under another name. */
export const local: Zone = { name: 'Local', at: utc.at };

/** A zone with one offset. Those of whole hours without a name are one and the same, as in Go, where == compares them. */
export function fixedZone(name: Bytes, offset: number): Zone {
  const isShared = name === '' && offset % 3600 === 0 && offset >= -12 * 3600 && offset <= 14 * 3600;
  const zone = (isShared ? wholeHours.get(offset) : undefined) ?? { name, at: () => ({ name, offset }) };
  if (isShared) wholeHours.set(offset, zone);
  return zone;
}

const wholeHours = new Map<number, Zone>();

const known = new Map<Bytes, Zone>();
/** As many zones as there are names, roughly; a template cannot fill the memory with more. */
const maxKnown = 600;

/** The zone of a name of the database; UTC for a name that it does not have, as Sprig does. */
export function zoneOf(name: Bytes): Zone {
  if (name === '' || name === 'UTC') return utc;
  if (name === 'Local') return local;
  const found = known.get(name);
  if (found !== undefined) return found;
  const zone = loadZone(name);
  if (known.size < maxKnown) known.set(name, zone);
  return zone;
}

function loadZone(name: Bytes): Zone {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return utc;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  } catch {
    return utc;
  }
  const names = abbreviations().get(name) ?? new Map<number, Bytes>();
  return {
    name,
    at: (unixSeconds) => {
      const offset = offsetIn(format, unixSeconds);
      return { offset, name: names.get(offset / 60) ?? (offset % 60 === 0 ? offsetName(offset) : localMeanTime) };
    },
  };
}

/** What the database calls an offset with seconds, from before there were zones, with a handful of exceptions. */
const localMeanTime = 'LMT';

/** Instants that a JavaScript date can hold, in seconds. */
const maxDateSeconds = 8_640_000_000_000;

function offsetIn(format: Intl.DateTimeFormat, unixSeconds: number): number {
  const within = Math.max(-maxDateSeconds, Math.min(maxDateSeconds, unixSeconds));
  const shown = format.formatToParts(within * 1000).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours, minutes = '0', seconds = '0'] = /([+-])(\d+)(?::(\d+))?(?::(\d+))?/.exec(shown) ?? [];
  if (hours === undefined) return 0;
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return sign === '-' ? -size : size;
}

function offsetName(offset: number): Bytes {
  const minutes = Math.trunc(Math.abs(offset) / 60);
  const digits = `${String(Math.trunc(minutes / 60)).padStart(2, '0')}${String(minutes % 60).padStart(2, '0')}`;
  return (offset < 0 ? '-' : '+') + (digits.endsWith('00') ? digits.slice(0, 2) : digits);
}

let knownAbbreviations: ReadonlyMap<Bytes, ReadonlyMap<number, Bytes>> | undefined;

function abbreviations(): ReadonlyMap<Bytes, ReadonlyMap<number, Bytes>> {
  knownAbbreviations ??= new Map(
    zoneNames.flatMap(([names, zones]) => {
      const byOffset = new Map(
        names.split(' ').map((entry): [number, Bytes] => {
          const [name = '', minutes] = entry.split(':');
          return [Number(minutes), name];
        }),
      );
      return zones.split(' ').map((zone) => [zone, byOffset] as const);
    }),
  );
  return knownAbbreviations;
}
