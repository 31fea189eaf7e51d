import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { onAbort } from './on-abort.ts';

describe('onAbort', () => {
  it('tells everybody who still listens, once', () => {
    const controller = new AbortController();
    const told: string[] = [];
    onAbort(controller.signal, () => told.push('a'));
    const end = onAbort(controller.signal, () => told.push('b'));
    onAbort(controller.signal, () => told.push('c'));
    end();
    controller.abort();
    controller.abort();
    expect(told).toEqual(['a', 'c']);
  });

  it('leaves out who is ended by another in the same moment', () => {
    const controller = new AbortController();
    const told: string[] = [];
    onAbort(controller.signal, () => end());
    const end = onAbort(controller.signal, () => told.push('ended'));
    controller.abort();
    expect(told).toEqual([]);
  });

  it('puts one listener on a signal, however many listen', () => {
    const { signal } = new AbortController();
    const ends = Array.from({ length: 100 }, () => onAbort(signal, () => {}));
    for (const end of ends) end();
    onAbort(signal, () => {});
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  });
});
