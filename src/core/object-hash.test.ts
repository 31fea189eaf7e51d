import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseTable, tableUrl } from '../../test/oracle/tables.ts';
import { dataCases, metadataCases } from '../../test/oracle/text-cases.ts';
import { hashData, hashEncodedData, hashMetadata, hashOwner, hashText, syncedResourceVersion } from './object-hash.ts';

describe('the hash of data', () => {
  it('is that of Go over every recorded map', () => {
    const recorded = parseTable(readFileSync(tableUrl('hash'), 'utf8')) as [Record<string, string>, string][]; // recorded
    const decoded = (data: Record<string, string>) =>
      Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64')]));
    expect(recorded.filter(([data, hash]) => hashData(decoded(data)) !== hash)).toEqual([]);
    expect(recorded.length).toBeGreaterThan(40);
  });

  it.each([
    [{}, '74a974446e359fb3e6baff9bd0058950e6edd0f040888d9989b0a11b'],
    [
      { foo: Buffer.from('value1'), bar: Buffer.from('value2') },
      '1bed8bcbcb4547ffe19a19cd47d9078e84aa6598266d86b99f992d64',
    ],
  ])('of %j is the one that External Secrets Operator writes', (data, hash) => {
    expect(hashData(data)).toBe(hash);
  });

  it('is the same for a map and a record, in any order, and over chunks', () => {
    for (const data of dataCases()) {
      const text = Object.keys(data)
        .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        .map((key) => `${key}:[${Array.from(data[key] ?? []).join(' ')}]`)
        .join(' ');
      expect(hashData(data)).toBe(hashText(`map[${text}]`));
      expect(hashData(new Map(Object.entries(data).reverse()))).toBe(hashData(data));
    }
  });

  it('is the same of data that is encoded, as base64 or as text', () => {
    const encoded = (data: Record<string, Uint8Array>, encoding: 'base64' | 'utf8') =>
      Object.fromEntries(Object.entries(data).map(([key, bytes]) => [key, Buffer.from(bytes).toString(encoding)]));
    for (const data of dataCases()) expect(hashEncodedData(encoded(data, 'base64'))).toBe(hashData(data));
    const texts = { a: Buffer.from('é€😀'.repeat(900)), b: Buffer.from('é€😀'.repeat(90_000)), none: Buffer.from('') };
    const both = { ...texts, bytes: Buffer.from([0xff, 0xfe, 0]) };
    expect(hashEncodedData(encoded({ bytes: both.bytes }, 'base64'), encoded(texts, 'utf8'))).toBe(hashData(both));
    expect(hashEncodedData({}, {})).toBe(hashData({}));
  });

  it('knows no special keys', () => {
    const keys = ['__proto__', 'constructor', 'toString'];
    const hash = hashData(new Map(keys.map((key) => [key, Buffer.from('x')])));
    expect(hash).toBe(hashText('map[__proto__:[120] constructor:[120] toString:[120]]'));
    expect(hashEncodedData({}, JSON.parse('{"__proto__":"x","constructor":"x","toString":"x"}'))).toBe(hash);
    expect(hashEncodedData(JSON.parse('{"__proto__":"eA==","constructor":"eA=="}'), { toString: 'x' })).toBe(hash);
  });
});

describe('the hash of metadata', () => {
  it('is that of Go over every recorded pair', () => {
    const recorded = parseTable(readFileSync(tableUrl('hashmeta'), 'utf8')) as [unknown, string][]; // recorded
    expect(metadataCases.map(hashMetadata)).toEqual(recorded.map(([, hash]) => hash));
  });

  it('follows the generation in a synced resource version', () => {
    expect(syncedResourceVersion(3, {})).toBe('3-f47fe3c0b255b6dd8047cdffa772587bb829efe7a1cb70febeda2eb2');
  });
});

describe('the hash of a text', () => {
  it('is over the text itself', () => {
    expect(hashText('hello there')).toBe('f78681ec611ebaeea0689bff6c7812a83ff98a7faba986d9af76c999');
    expect(hashOwner('default/my-es')).toBe('b8464376b5fe3535e690594280bfe59b60be2603cb6cbb6d6c8bcbb4');
    expect(hashText('<nil>')).toBe('c461202a18e99215f121936fb2452e03843828e448a00a53f285a6fc');
  });
});
