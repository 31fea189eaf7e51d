// What the line of a watch event tells before its object is parsed. Most events are this process's own writes coming back,
// or speak of objects that nobody asked for: to parse them would be most of the work of a watch.

/** A line that says less, or says it in another order, is one to parse: undefined, never a guess. */
export interface EventHead {
  readonly key: string;
  readonly version: string;
}

const brought = ['{"type":"ADDED"', '{"type":"MODIFIED"'].map((start) => Buffer.from(start));
/** The API server writes its own kinds in the order of their Go types, so the name comes before whatever a user wrote. */
const namedFirst =
  /^\{"type":"(?:ADDED|MODIFIED)","object":\{"kind":"\w+","apiVersion":"[\w./-]+","metadata":\{"name":"([^"\\]+)",(?:"generateName":"[^"\\]*",)?(?:"namespace":"([^"\\]+)",)?"uid":"[^"\\]*","resourceVersion":"(\d+)"/;
/** What comes before the end of what `namedFirst` matches: two names and a uid. */
const longestHead = 1_024;
const versionMember = Buffer.from('"resourceVersion":"');
const quote = 0x22;

/** Name and version of an object of the API server's own kinds that was added or changed. */
export function headOf(line: Buffer): EventHead | undefined {
  const [, name, namespace, version] = namedFirst.exec(line.toString('utf8', 0, longestHead)) ?? [];
  if (name === undefined || version === undefined) return undefined;
  return { key: namespace === undefined ? name : `${namespace}/${name}`, version };
}

/**
 * Version of an object of any kind that was added or changed. Custom resources have what users wrote before it and behind
 * it, so it is believed only where the line has one such member: every object has its own.
 */
export function versionIn(line: Buffer): string | undefined {
  if (!brought.some((start) => start.compare(line, 0, start.length) === 0)) return undefined;
  const at = line.indexOf(versionMember);
  const from = at + versionMember.length;
  if (at < 0 || line.indexOf(versionMember, from) >= 0) return undefined;
  const version = line.toString('latin1', from, line.indexOf(quote, from));
  return /^\d{1,20}$/.test(version) ? version : undefined;
}
