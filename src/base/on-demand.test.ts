import { describe, expect, it } from 'vitest';
import { OnDemand } from './on-demand.ts';

describe('OnDemand', () => {
  it('loads nothing before somebody asks, and then once for all', async () => {
    let loads = 0;
    const part = new OnDemand('a part', async () => ({ nth: ++loads }));
    expect(loads).toBe(0);
    const [one, other] = await Promise.all([part.load(), part.load()]);
    expect(one).toEqual({ nth: 1 });
    expect(other).toBe(one);
    expect(await part.load()).toBe(one);
    expect(part.loaded).toBe(one);
  });

  it('refuses who did not wait, by the name of the part', async () => {
    const part = new OnDemand('the part', async () => 'it');
    expect(part.ifLoaded).toBeUndefined();
    expect(() => part.loaded).toThrow(/^the part was used before it was loaded$/);
    const loading = part.load();
    expect(() => part.loaded).toThrow(expect.objectContaining({ reason: 'Internal' }));
    await loading;
    expect([part.loaded, part.ifLoaded]).toEqual(['it', 'it']);
  });

  it('tells a failure to those who waited, and tries again for the next', async () => {
    const answers = [Promise.reject(new Error('no such file')), Promise.resolve('it')];
    const part = new OnDemand('a part', () => answers.shift() ?? Promise.reject(new Error('asked too often')));
    const [first, second] = [part.load(), part.load()];
    await expect(first).rejects.toThrow('no such file');
    await expect(second).rejects.toThrow('no such file');
    expect(await part.load()).toBe('it');
  });

  it('knows a part that is undefined as loaded', async () => {
    const part = new OnDemand('nothing', async () => undefined);
    await part.load();
    expect(part.loaded).toBeUndefined();
  });
});
