import { describe, expect, it } from 'vitest';
import type { Reason } from '../../base/reasons.ts';
import type { Ask } from '../selection.ts';
import { select } from './select.ts';
import { bytesValue, objectValue, valueOfJson } from './value.ts';

const bytes = Buffer.from([0xff, 0x00]);
const opened = objectValue([
  ...valueOfJson({
    apiKey: 'k',
    db: { hosts: ['one', 'two'], 'a.b': 1, port: 5432 },
    environmentVariables: { A: 'text', N: 1, B: true, NESTED: { no: 1 } },
    files: { F: 'f', LIST: [] },
    pulumiConfig: { 'shop:name': 'x', list: [1] },
  }).members,
  ['raw', bytesValue(bytes)],
]);

function answer(request: Ask) {
  const result = select('shop/app', opened, request);
  if ('error' in result) return result.error.reason;
  return Object.fromEntries([...result.values].map(([key, value]) => [key, value.text()]));
}

const value = (key: string, property?: string): Ask => ({
  kind: 'value',
  key,
  ...(property === undefined ? {} : { property }),
});

describe('select', () => {
  it.each<[key: string, property: string | undefined, text: string]>([
    ['apiKey', undefined, 'k'],
    ['db.hosts[1]', undefined, 'two'],
    ['db["a.b"]', undefined, '1'],
    ['db', undefined, '{"a.b":1,"hosts":["one","two"],"port":5432}'],
    ['db', 'hosts[0]', 'one'],
    ['db.hosts', '[0]', 'one'],
    ['db', '', '{"a.b":1,"hosts":["one","two"],"port":5432}'],
  ])('reads %j with property %j', (key, property, text) => {
    expect(answer(value(key, property))).toEqual({ [key]: text });
  });

  it('leaves bytes as they are', () => {
    const result = select('shop/app', opened, value('raw'));
    expect('values' in result && result.values.get('raw')?.reveal()).toEqual(bytes);
  });

  it.each<[request: Ask, reason: Reason]>([
    [value('apikeyy'), 'SecretNotFound'],
    [value('db.hosts[2]'), 'SecretNotFound'],
    [value('db['), 'SecretNotFound'],
    [{ kind: 'map', key: 'apiKey' }, 'InvalidValue'],
    [{ kind: 'find', tags: { a: 'b' } }, 'Unsupported'],
    [{ kind: 'find', nameRegexp: '(' }, 'InvalidSpec'],
  ])('answers %j with %s', (request, reason) => {
    expect(answer(request)).toBe(reason);
  });

  it('offers the key that was probably meant', () => {
    const result = select('shop/app', opened, value('apikey'));
    expect('error' in result && result.error.message).toBe(
      'environment "shop/app" has no value "apikey"; did you mean "apiKey"?',
    );
  });

  it('takes objects apart; what becomes variables and files holds scalars only', () => {
    expect(answer({ kind: 'map', key: 'environmentVariables' })).toEqual({ A: 'text', N: '1', B: 'true' });
    expect(answer({ kind: 'map', key: 'files' })).toEqual({ F: 'f' });
    expect(answer({ kind: 'map', key: 'pulumiConfig' })).toEqual({ 'shop:name': 'x', list: '[1]' });
  });

  it('searches by name, at the top or below a path', () => {
    expect(answer({ kind: 'find', nameRegexp: '^api' })).toEqual({ apiKey: 'k' });
    expect(answer({ kind: 'find', path: 'environmentVariables', nameRegexp: '^[AN]$' })).toEqual({ A: 'text', N: '1' });
    expect(answer({ kind: 'find', path: 'nope' })).toEqual({});
  });
});
