import { describe, expect, it } from 'vitest';
import { bytesValue, objectValue, textValue, valueOfJson } from './esc/value.ts';
import { publicationOf } from './publication.ts';

const secret = (text: string) => textValue(text, { secret: true });
const bytes = Buffer.from([0xff, 0x00]);
const opened = objectValue([
  [
    'environmentVariables',
    objectValue([
      ['PLAIN', textValue('p')],
      ['N', valueOfJson(1)],
      ['TOKEN', secret('s')],
    ]),
  ],
  [
    'files',
    objectValue([
      ['tls.crt', textValue('cert')],
      ['raw', bytesValue(bytes)],
    ]),
  ],
  ['other', secret('x')],
]);
const texts = (data: ReadonlyMap<string, { reveal(): Buffer }>) =>
  Object.fromEntries([...data].map(([key, value]) => [key, value.reveal().toString('latin1')]));

describe('publicationOf', () => {
  it('parts what is secret from what is plain, and takes files for secret', () => {
    const { secret: inSecret, configMap } = publicationOf(opened, { secretName: 's', configMapName: 'c' });
    expect(texts(inSecret)).toEqual({ TOKEN: 's', 'tls.crt': 'cert', raw: bytes.toString('latin1') });
    expect(texts(configMap)).toEqual({ PLAIN: 'p', N: '1' });
  });

  it('has all in the Secret where no ConfigMap is named', () => {
    const { secret: inSecret, configMap } = publicationOf(opened, { secretName: 's' });
    expect([Object.keys(texts(inSecret)), configMap.size]).toEqual([['N', 'PLAIN', 'TOKEN', 'raw', 'tls.crt'], 0]);
  });

  it('never has a secret in the ConfigMap, though all variables are secret by the object around them', () => {
    const all = objectValue([['environmentVariables', objectValue([['A', textValue('a')]], { secret: true })]]);
    expect(publicationOf(all, { secretName: 's', configMapName: 'c' }).configMap.size).toBe(0);
    expect(() => publicationOf(all, { configMapName: 'c' })).toThrow(
      expect.objectContaining({ reason: 'InvalidSpec' }),
    );
  });

  it.each([
    ['a name that is no key', valueOfJson({ environmentVariables: { 'a b': 'CANARY' } })],
    [
      'a name that a variable and a file share',
      valueOfJson({ environmentVariables: { A: 'CANARY' }, files: { A: 'b' } }),
    ],
  ])('refuses %s', (_, value) => {
    expect(() => publicationOf(value, { secretName: 's' })).toThrow(expect.objectContaining({ reason: 'InvalidKey' }));
    expect(() => publicationOf(value, { secretName: 's' })).not.toThrow(/CANARY/);
  });

  it('gives nothing of an Environment that has neither', () => {
    const { secret: inSecret, configMap } = publicationOf(valueOfJson({ a: 1 }), {
      secretName: 's',
      configMapName: 'c',
    });
    expect([inSecret.size, configMap.size]).toEqual([0, 0]);
  });
});
