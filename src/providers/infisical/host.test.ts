import { describe, expect, it } from 'vitest';
import { parseHostApi } from './host.ts';

describe('hostAPI', () => {
  it.each([
    ['https://app.infisical.com', 'https://app.infisical.com/api'],
    ['https://app.infisical.com/', 'https://app.infisical.com/api'],
    ['https://app.infisical.com/api', 'https://app.infisical.com/api'],
    ['https://app.infisical.com/api/', 'https://app.infisical.com/api'],
    ['  https://app.infisical.com/api \n', 'https://app.infisical.com/api'],
    ['https://host.example:8443/infisical', 'https://host.example:8443/infisical/api'],
    ['http://infisical.infisical.svc:8080', 'http://infisical.infisical.svc:8080/api'],
    ['', 'https://app.infisical.com/api'],
  ])('%j is %s', (text, root) => {
    expect(parseHostApi(text)).toMatchObject({ root, origin: new URL(root).origin });
  });

  it.each([
    'app.infisical.com',
    'ftp://host',
    'https://user:pw@host',
    'https://host/?x=1',
    'https://host/#x',
    'file:///etc',
  ])('refuses %j', (text) => {
    expect(() => parseHostApi(text)).toThrow(expect.objectContaining({ reason: 'InvalidSpec' }));
  });
});
