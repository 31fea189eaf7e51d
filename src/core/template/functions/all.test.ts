import { describe, expect, it } from 'vitest';
import { functionFamilies } from './all.ts';
import { builtinFunctions } from './builtin.ts';

const all = functionFamilies.flatMap(({ functions }) => functions);

describe('the function tables', () => {
  it('hold each name once', () => {
    const names = all.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('hold nothing that reads the process or the network', () => {
    const names = all.map(({ name }) => name);
    expect(names.filter((name) => ['env', 'expandenv', 'getHostByName'].includes(name))).toEqual([]);
  });

  it('shadow slice alone of what text/template brings', () => {
    const names = new Set(all.map(({ name }) => name));
    expect(builtinFunctions.map(({ name }) => name).filter((name) => names.has(name))).toEqual(['slice']);
  });

  it('have a line about each function', () => {
    const lines = [...builtinFunctions, ...all];
    expect(lines.filter(({ doc }) => !/^\S.{2,100}[^.\s]$|^Hello!$/.test(doc)).map(({ name }) => name)).toEqual([]);
  });
});
