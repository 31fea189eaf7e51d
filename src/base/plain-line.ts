// Foreign text made fit to be shown: one line, without what steers a terminal or turns the reading order. What it means,
// and whether it may be shown at all, is for others.

/** White space that starts another line or moves the cursor; the last three are NEL, and Unicode's own separators. */
const breaks = /[\t\n\v\f\r\u0085\u2028\u2029]/;
/** C0, C1 and DEL; marks of direction, joiners and other characters without a shape; halves of surrogate pairs. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}]/gu;

/** The text as one line of at most `most` UTF-16 units; a longer one ends in `…`. Takes time in proportion to `most`. */
export function plainLine(text: string, most: number): string {
  // What is removed is not made up for: four times is plenty for honest text, and the rest is not looked at.
  const head = text.slice(0, 4 * most);
  const lines = head.split(breaks).map((line) => line.replaceAll(unprintable, '').trim());
  const line = lines.filter((each) => each !== '').join(' ');
  if (line.length <= most && head.length === text.length) return line;
  return `${line.slice(0, most - 1).replace(unprintable, '')}…`;
}
