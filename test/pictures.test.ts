// The pictures say what is so, and their words fit into their boxes.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pictureFiles, pictures, questions, stages } from '../scripts/pictures/pictures.ts';
import { type Picture, widthOf } from '../scripts/pictures/svg.ts';
import { infisicalAuthSpecs } from '../src/crds/auth/infisical/table.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const all: readonly (readonly [string, Picture])[] = Object.entries(pictures);

describe('pictures', () => {
  it.each(all)('%s: words fit into their boxes, and boxes into the picture', (_, { boxes, notes = [], w, h }) => {
    for (const box of boxes) {
      for (const line of box.lines) expect([line, widthOf(line) <= box.w - 12]).toEqual([line, true]);
      expect(box.lines.length * 17).toBeLessThanOrEqual(box.h);
      expect(box.x + box.w <= w && box.y + box.h <= h).toBe(true);
    }
    for (const { x, text } of notes) expect(x + widthOf(text)).toBeLessThanOrEqual(w);
  });

  it.each(all)('%s: no box lies on another', (_, { boxes }) => {
    const overlapping = boxes.filter((a, i) =>
      boxes.slice(i + 1).some((b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h),
    );
    expect(overlapping).toEqual([]);
  });

  it('the path of a value names folders of src that are there', () => {
    expect(stages.filter(({ room }) => !existsSync(join(root, 'src', room)))).toEqual([]);
  });

  it('the choice of a login names every login', () => {
    const words = questions.flatMap(({ yes }) => yes).join(' ');
    const blocks = Object.keys(infisicalAuthSpecs).map((method) => `${method}AuthCredentials`);
    expect(blocks.length).toBeGreaterThan(10);
    expect(blocks.filter((block) => !words.includes(block))).toEqual([]);
  });

  it.each([...pictureFiles().keys()])('%s is shown where people look', (path) => {
    const name = path.slice('docs/'.length);
    const pages = [
      'README.md',
      'docs/auth/README.md',
      'docs/guides/monitoring.md',
      'docs/migrating-from-eso.md',
      'deploy/helm/escapement/Chart.yaml',
    ];
    expect(pages.filter((page) => read(page).includes(name))).not.toEqual([]);
  });
});
