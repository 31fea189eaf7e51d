// A file of several documents: a stream in YAML. The language reads the first; here each can be meant, as FILE#2.

const mark = /^(---|\.\.\.)(?=\s|$)/m;

/**
 * The documents of a text, those without content left out: each with the lines of the others blank, so that places stay.
 * A text that is no stream is the only one, as it stands.
 */
export function documentsIn(text: string): readonly string[] {
  if (!mark.test(text)) return [text];
  const parts: { readonly from: number; readonly to: number }[] = [];
  let from = 0;
  for (const { index } of text.matchAll(new RegExp(mark, 'gm'))) {
    parts.push({ from, to: index });
    from = index;
  }
  parts.push({ from, to: text.length });
  const full = parts.filter(({ from: begin, to }) => hasContent(text.slice(begin, to)));
  if (full.length < 2) return [text];
  return full.map(({ from: begin, to }) => `${blank(text.slice(0, begin))}${text.slice(begin, to)}`);
}

/** Directives and comments are none. */
function hasContent(part: string): boolean {
  return part.split('\n').some((line) => !/^\s*((---|\.\.\.)\s*)?(#.*)?$/.test(line) && !line.startsWith('%'));
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}
