// The dashboard as a picture: its rows and panels where Grafana puts them, each with what it tells. Lines are made up.
import { dashboardRows, type Panel } from '../chart/monitoring.ts';
import type { Box, Note, Picture } from './svg.ts';

const margin = 20;
const width = 1_280;
const gap = 8;
const rowHeight = 28;
const sizes: Readonly<Record<Panel['kind'], { readonly perLine: number; readonly h: number }>> = {
  value: { perLine: 6, h: 64 },
  list: { perLine: 2, h: 92 },
  lines: { perLine: 3, h: 110 },
};

/** A course from 0 to 1 that differs from panel to panel and is the same each time. */
function courseOf(seed: number): readonly number[] {
  return Array.from(
    { length: 24 },
    (_, i) => 0.4 + 0.25 * Math.sin(i / 2.5 + seed) + 0.15 * Math.sin(i * 1.7 + 3 * seed),
  );
}

export const dashboardPicture: Picture = layOut();

function layOut(): Picture {
  const boxes: Box[] = [];
  const notes: Note[] = [];
  let y = margin;
  for (const { title, panels } of dashboardRows) {
    notes.push({ x: margin, y: y + 16, text: title });
    y += rowHeight;
    let [x, height] = [margin, 0];
    for (const panel of panels) {
      const { perLine, h } = sizes[panel.kind];
      const w = (width - 2 * margin - (perLine - 1) * gap) / perLine;
      if (x + w > width - margin + 1 || (height > 0 && h !== height)) {
        y += height + gap;
        x = margin;
      }
      boxes.push({
        x: Math.round(x),
        y,
        w: Math.floor(w),
        h,
        lines: [panel.title],
        ...(panel.kind === 'lines' && { course: courseOf(boxes.length) }),
      });
      x += w + gap;
      height = h;
    }
    y += height + gap;
  }
  return { title: 'The dashboard, with made-up lines', w: width, h: y + margin, boxes, notes };
}
