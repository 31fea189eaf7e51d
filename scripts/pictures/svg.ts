// Boxes, arrows and lines of text as SVG. Widths are estimated from the number of characters, so no font is needed to draw; colours
// read on light and dark pages alike.

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  /** Lines; the first is bold. */
  readonly lines: readonly string[];
  readonly tone?: Tone;
  /** A line below the words: heights from 0 to 1, from the left. */
  readonly course?: readonly number[];
}

export interface Arrow {
  /** Corners from its beginning to its point. */
  readonly through: readonly (readonly [x: number, y: number])[];
  readonly label?: string;
}

/** A text by itself, from its left end. */
export interface Note {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

export interface Picture {
  /** Read out to those who do not see it. */
  readonly title: string;
  readonly w: number;
  readonly h: number;
  readonly boxes: readonly Box[];
  readonly arrows?: readonly Arrow[];
  readonly notes?: readonly Note[];
}

type Tone = keyof typeof tones;

const tones = {
  plain: { fill: '#eef2f7', stroke: '#7b8794' },
  ours: { fill: '#dff3e4', stroke: '#2f855a' },
  outside: { fill: '#fdf1dc', stroke: '#b7791f' },
  question: { fill: '#e6e9fb', stroke: '#4c51bf' },
} as const;

const fontSize = 13;
const lineHeight = 17;
/** Width of a character of 13 px, on the safe side of the common sans-serif fonts. */
const charWidth = 7.1;

/** About how many px a text takes. */
export function widthOf(text: string): number {
  return text.length * charWidth;
}

export function svgOf({ title, w, h, boxes, arrows = [], notes = [] }: Picture): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" role="img" font-family="system-ui, sans-serif" font-size="${fontSize}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${w}" height="${h}" rx="8" fill="#ffffff"/>`,
    '<defs><marker id="point" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#52606d"/></marker></defs>',
    ...arrows.map(arrowText),
    ...boxes.map(boxText),
    ...notes.map(({ x, y, text }) => textAt(x, y, text, 'fill="#52606d"')),
    '</svg>',
    '',
  ].join('\n');
}

function boxText({ x, y, w, h, lines, tone = 'plain', course }: Box): string {
  const { fill, stroke } = tones[tone];
  const wordsHeight = course === undefined ? h : lines.length * lineHeight + 12;
  const first = y + wordsHeight / 2 - ((lines.length - 1) * lineHeight) / 2 + 4;
  const words = lines.map((line, i) => {
    const weight = i === 0 ? ' font-weight="600"' : '';
    return textAt(x + w / 2, first + i * lineHeight, line, `text-anchor="middle" fill="#1f2933"${weight}`);
  });
  return [
    `<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="6" fill="${fill}" stroke="${stroke}"/>`,
    ...words,
    ...(course === undefined ? [] : [courseText(course, { x, y: y + wordsHeight, w, h: h - wordsHeight })]),
  ].join('\n');
}

function courseText(course: readonly number[], { x, y, w, h }: Pick<Box, 'x' | 'y' | 'w' | 'h'>): string {
  const points = course.map((height, i) => {
    const at = [x + 10 + (i * (w - 20)) / (course.length - 1), y + (1 - height) * (h - 8)];
    return at.map((place) => place.toFixed(1)).join(' ');
  });
  return `<polyline points="${points.join(' ')}" fill="none" stroke="${tones.ours.stroke}" stroke-width="1.5"/>`;
}

function arrowText({ through, label }: Arrow): string {
  const points = through.map((point) => point.join(' ')).join(' ');
  const line = `<polyline points="${points}" fill="none" stroke="#52606d" marker-end="url(#point)"/>`;
  const [from = [0, 0], to = [0, 0]] = through;
  if (label === undefined) return line;
  return `${line}\n${textAt((from[0] + to[0]) / 2 + 6, (from[1] + to[1]) / 2 - 5, label, 'fill="#52606d"')}`;
}

function textAt(x: number, y: number, text: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(text)}</text>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
