// What a message adds to a name that is not there: the name that was probably meant. Bounded, since tenants choose the name
// that is looked for, and upstreams those that are there.
import { nearest } from './esc/nearest.ts';

const mostCompared = 500;
const longestCompared = 64;

/** `; did you mean "API_KEY"?`, or '' when no name is near. */
export function didYouMean(wanted: string, names: readonly string[]): string {
  if (wanted.length > longestCompared) return '';
  const compared = names.filter((name) => name.length <= longestCompared).slice(0, mostCompared);
  const { suggestion } = nearest(wanted, [...compared].sort());
  return suggestion === undefined ? '' : `; did you mean ${JSON.stringify(suggestion)}?`;
}
