import { describe, expect, it } from 'vitest';
import { generatorClass, parseGenerator } from './table.ts';

const metadata = { name: 'g' };

describe('parseGenerator', () => {
  it('reads a generator with its defaults', () => {
    expect(parseGenerator('SSHKey', { metadata, spec: {} })).toEqual({
      ok: { kind: 'SSHKey', spec: { keyType: 'rsa' } },
    });
  });

  it('reads what a ClusterGenerator holds as if it stood alone', () => {
    const spec = { kind: 'Fake', generator: { fakeSpec: { data: { a: '1' } } } };
    expect(parseGenerator('ClusterGenerator', { metadata, spec })).toEqual({
      ok: { kind: 'Fake', spec: { data: { a: '1' } } },
    });
  });

  it.each([
    ['a spec of another kind', { kind: 'UUID', generator: { fakeSpec: {} } }],
    ['two specs', { kind: 'UUID', generator: { fakeSpec: {}, uuidSpec: {} } }],
    ['no spec', { kind: 'UUID' }],
    ['a kind that is not served', { kind: 'ECRAuthorizationToken', generator: { uuidSpec: {} } }],
  ])('refuses a ClusterGenerator with %s', (_, spec) => {
    expect(parseGenerator('ClusterGenerator', { metadata, spec }).issues).toHaveLength(1);
  });
});

describe('generatorClass', () => {
  it('is the controller that a Fake names, alone or in a ClusterGenerator', () => {
    expect(generatorClass({ spec: { controller: 'other' } })).toBe('other');
    expect(generatorClass({ spec: { kind: 'Fake', generator: { fakeSpec: { controller: 'other' } } } })).toBe('other');
    expect(generatorClass({ spec: { length: 3 } })).toBe('');
  });
});
