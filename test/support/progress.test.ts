import { describe, expect, it } from 'vitest';
import { progressTo } from './progress.ts';

function screen(isTTY: boolean) {
  const written: string[] = [];
  return { written, stream: { isTTY, columns: 20, write: (text: string) => written.push(text) } };
}

describe('progress', () => {
  it('is one line that changes on a terminal, as wide as that', () => {
    const { written, stream } = screen(true);
    const say = progressTo(stream, '> ');
    say('compiling: 1 of 1,000 packages', 'passing');
    say('compiling: 2', 'passing');
    say('built');
    expect(written).toEqual(['> compiling: 1 of 1', '\r\u001B[K', '> compiling: 2', '\r\u001B[K', '> built\n']);
  });

  it('is a line each half minute elsewhere', () => {
    const { written, stream } = screen(false);
    let nowMs = 0;
    const say = progressTo(stream, '', () => nowMs);
    say('begin');
    for (nowMs = 0; nowMs <= 65_000; nowMs += 5_000) say(`at ${nowMs / 1000} s`, 'passing');
    expect(written).toEqual(['begin\n', 'at 30 s\n', 'at 60 s\n']);
  });
});
