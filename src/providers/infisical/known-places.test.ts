import { describe, expect, it } from 'vitest';
import { KnownPlaces } from './known-places.ts';

const place = (project: string, environment = 'dev', folder = '/') => ({ project, environment, folder });

describe('known places', () => {
  it('names the first of project, environment and folder that is not known and near', () => {
    const places = new KnownPlaces();
    places.note('s', place('shop-a1b2', 'production', '/billing'));
    expect(places.meant('s', place('shop-a1b3'))).toBe('; did you mean projectSlug "shop-a1b2"?');
    expect(places.meant('s', place('shop-a1b2', 'Production'))).toBe('; did you mean environmentSlug "production"?');
    expect(places.meant('s', place('shop-a1b2', 'production', '/biling'))).toBe('; did you mean folder "/billing"?');
  });

  it('is silent where nothing is near, and about the name itself', () => {
    const places = new KnownPlaces();
    places.note('s', place('shop', 'dev', '/a'));
    expect(places.meant('s', place('other'))).toBe('');
    expect(places.meant('s', place('shop', 'dev', '/a'))).toBe('');
  });

  it('tells nobody what another identity has read', () => {
    const places = new KnownPlaces();
    places.note('theirs', place('shop-a1b2'));
    expect(places.meant('mine', place('shop-a1b3'))).toBe('');
  });

  it('keeps the youngest five thousand', () => {
    const places = new KnownPlaces();
    places.note('s', place('oldest'));
    for (let i = 0; i < 5_000; i++) places.note('s', place('shop', 'dev', `/folder-${i}`));
    expect(places.meant('s', place('oldes'))).toBe('');
    expect(places.meant('s', place('sho'))).toBe('; did you mean projectSlug "shop"?');
  });
});
