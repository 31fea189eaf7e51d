import { describe, expect, it } from 'vitest';
import { differences } from './compare.ts';

const headers = { 'content-type': 'application/json; charset=utf-8', etag: '"a"' };
const exact = { strictness: 'exact', areImportsMixed: false } as const;
const recorded = (body: unknown, status = 200) => ({ status, headers, body });
const live = (body: unknown, status = 200) => ({
  status,
  headers: { ...headers, etag: '"b"' },
  body: JSON.stringify(body),
});
const secret = (secretKey: string, secretValue: string) => ({ secretKey, secretValue, secretPath: '/' });
const id = (last: string) => `26d78217-acb1-475c-aa13-7746c1c9a11${last}`;

describe('comparison with a recorded answer', () => {
  const same: readonly [string, unknown, unknown][] = [
    ['ids', { id: id('b') }, { id: id('c') }],
    ['instants', { at: '2026-11-21T01:44:02.674Z' }, { at: '2025-01-01T00:00:00.000Z' }],
    ['tokens', { t: 'aaaaaaaaaaaa.bbbbbbbbbbbb.cccccccccccc' }, { t: 'dddddddddddd.eeeeeeeeeeee.ffffffffffff' }],
    ['order of secrets', [secret('A', '1'), secret('B', '2')], [secret('B', '2'), secret('A', '1')]],
  ];
  it.each(same)('passes over other %s', (_, expected, actual) => {
    expect(differences(recorded(expected), live(actual), exact)).toEqual([]);
  });

  const other: readonly [string, unknown, unknown][] = [
    ['a value', { secrets: [secret('A', '1')] }, { secrets: [secret('A', '2')] }],
    ['a member that is missing', { secrets: [], imports: [] }, { secrets: [] }],
    ['a member too many', { secrets: [] }, { secrets: [], imports: [] }],
    ['null in place of absent', {}, { metadata: null }],
    ['a message', { message: 'Token missing' }, { message: 'Token gone' }],
    [
      'the order of imports',
      [
        { secretPath: '/a', secrets: [] },
        { secretPath: '/b', secrets: [] },
      ],
      [
        { secretPath: '/b', secrets: [] },
        { secretPath: '/a', secrets: [] },
      ],
    ],
  ];
  it.each(other)('sees %s', (_, expected, actual) => {
    expect(differences(recorded(expected), live(actual), exact)).not.toEqual([]);
  });

  it('sees a status, a missing ETag and a missing retry-after', () => {
    expect(differences(recorded({}, 404), live({}), exact)).toHaveLength(1);
    const bare = { status: 200, headers: { 'content-type': headers['content-type'] }, body: '{}' };
    expect(differences(recorded({}), bare, exact)).toHaveLength(1);
    const limited = { status: 500, headers: { ...headers, 'retry-after': '60' }, body: {} };
    expect(differences(limited, live({}, 500), exact)).toHaveLength(1);
  });

  it('names no value of a secret', () => {
    const lines = differences(recorded(secret('A', 'canary-one')), live(secret('A', 'canary-two')), exact);
    expect(lines.join('\n')).not.toContain('canary');
    expect(lines).toHaveLength(1);
  });

  it('looks at shapes alone when the data is another server’s', () => {
    const how = { strictness: 'shape', areImportsMixed: false } as const;
    expect(differences(recorded([secret('A', '1')]), live([secret('X', 'y'), secret('Z', '')]), how)).toEqual([]);
    expect(differences(recorded([secret('A', '1')]), live([{ secretKey: 'X' }]), how)).not.toEqual([]);
  });
});
