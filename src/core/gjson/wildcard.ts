// Keys and values against a pattern with `*` (any run) and `?` (any one code point); a backslash takes the next literally.
import type { Effort } from './effort.ts';

type Token =
  | { readonly kind: 'literal'; readonly symbol: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'run' };

/** Whether the whole text matches. Costs at most the text's length for each `*`, charged to the effort. */
export function matchesWildcard(value: string, pattern: string, effort: Effort): boolean {
  const tokens = tokenize(pattern);
  if (tokens === undefined) return false;
  const symbols = Array.from(value);
  effort.spend(symbols.length);
  let at = 0;
  let next = 0;
  let runToken = -1; // the latest `*`, which grows by one symbol whenever what follows it fails
  let runEnd = 0;
  while (at < symbols.length) {
    const token = tokens[next];
    if (token?.kind === 'run') {
      runToken = next++;
      runEnd = at;
    } else if (token?.kind === 'any' || (token?.kind === 'literal' && token.symbol === symbols[at])) {
      at++;
      next++;
    } else if (runToken >= 0) {
      effort.spend(at - runEnd + 1);
      next = runToken + 1;
      at = ++runEnd;
    } else {
      return false;
    }
  }
  return tokens.slice(next).every((token) => token.kind === 'run');
}

/** Undefined for a backslash with nothing behind it, which matches nothing, but behind a `*` stands for itself. */
function tokenize(pattern: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  const symbols = Array.from(pattern);
  for (let at = 0; at < symbols.length; at++) {
    const symbol = symbols[at] ?? '';
    if (symbol === '*') tokens.push({ kind: 'run' });
    else if (symbol === '?') tokens.push({ kind: 'any' });
    else if (symbol !== '\\') tokens.push({ kind: 'literal', symbol });
    else if (++at < symbols.length) tokens.push({ kind: 'literal', symbol: symbols[at] ?? '' });
    else if (tokens.some((token) => token.kind === 'run')) tokens.push({ kind: 'literal', symbol });
    else return undefined;
  }
  return tokens;
}
