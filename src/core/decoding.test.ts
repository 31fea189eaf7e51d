import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTable, tableUrl } from '../../test/oracle/tables.ts';
import { checkNullBytes, decodeBase64, decodeValue } from './decoding.ts';

const thrownFor = (reason: string) => expect.objectContaining({ reason });

describe('base64', () => {
  it.each(['Base64', 'Base64URL'] as const)('in the alphabet %s decodes, or is refused, as in Go', (alphabet) => {
    const cases = parseTable(readFileSync(tableUrl(alphabet.toLowerCase()), 'utf8')) as [string, string | null][]; // recorded
    const ours = (text: string) => decodeBase64(Buffer.from(text), alphabet)?.toString('hex') ?? null;
    expect(cases.filter(([text, recorded]) => ours(text) !== recorded)).toEqual([]);
    expect(cases.filter(([, recorded]) => recorded !== null).length).toBeGreaterThan(30);
  });
});

describe('decodingStrategy', () => {
  const input = Buffer.from('aGVsbG8=');

  it('None and an absent one give the value as it is', () => {
    expect(decodeValue(input, 'None')).toBe(input);
    expect(decodeValue(input, undefined)).toBe(input);
  });

  it('Auto decodes what either alphabet allows and leaves the rest alone', () => {
    expect(
      ['aGVsbG8=', '--__vw==', '+-/_', '{"a":1}', ''].map((text) =>
        decodeValue(Buffer.from(text), 'Auto').toString('latin1'),
      ),
    ).toEqual(['hello', '\xfb\xef\xff\xbf', '+-/_', '{"a":1}', '']);
  });

  it('fails on what is not of its alphabet, without quoting the value', () => {
    expect(() => decodeValue(Buffer.from('canary!'), 'Base64')).toThrow(thrownFor('InvalidValue'));
    expect(() => decodeValue(Buffer.from('canary!'), 'Base64')).not.toThrow(/canary/);
  });

  it('that nobody knows is refused', () => {
    expect(() => decodeValue(input, 'Base32')).toThrow(thrownFor('InvalidSpec'));
  });

  it('undoes the encoding of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const value = Buffer.from(bytes);
        expect(decodeValue(Buffer.from(value.toString('base64')), 'Base64')).toEqual(value);
      }),
    );
  });
});

describe('nullBytePolicy', () => {
  it('Fail refuses a value with a NUL byte, naming the key', () => {
    expect(() => checkNullBytes('DB', Buffer.from('a\0b'), 'Fail')).toThrow(thrownFor('InvalidValue'));
    expect(() => checkNullBytes('DB', Buffer.from('a\0b'), 'Fail')).toThrow(/"DB"/);
  });

  it('Ignore, an absent one, and a value without NUL pass', () => {
    checkNullBytes('DB', Buffer.from('a\0b'), 'Ignore');
    checkNullBytes('DB', Buffer.from('a\0b'), undefined);
    checkNullBytes('DB', Buffer.from('ab'), 'Fail');
  });
});
