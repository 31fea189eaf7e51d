import { describe, expect, it } from 'vitest';
import { fieldManagerName, fieldManagerNames } from './field-manager.ts';
import { hashText } from './object-hash.ts';

describe('the field manager of an ExternalSecret', () => {
  const name27 = 'n'.repeat(27);
  const name28 = 'n'.repeat(28);
  const prefix = 'externalsecrets.external-secrets.io/';

  it('holds the name while it has 63 characters at most', () => {
    expect(fieldManagerName(name27)).toBe(`${prefix}${name27}`);
    expect(fieldManagerName(name27)).toHaveLength(63);
  });

  it('holds a hash of the name beyond', () => {
    expect(fieldManagerName(name28)).toBe(`${prefix}sha3/${hashText(name28)}`);
    expect(fieldManagerName('e-name-0006-nnnnnnnnnnnnnnnn')).toBe(
      `${prefix}sha3/13809a93dfcbee7cbb740bbc832408f67be3db140f4667a06b19e989`,
    );
  });

  it('may be recorded under the plain name too', () => {
    expect(fieldManagerNames(name27)).toEqual([`${prefix}${name27}`]);
    expect(fieldManagerNames(name28)).toEqual([fieldManagerName(name28), `${prefix}${name28}`]);
  });
});
