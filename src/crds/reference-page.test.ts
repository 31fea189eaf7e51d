import { describe, expect, it } from 'vitest';
import { refuseUnsupported } from '../core/unsupported.ts';
import { objectSchema } from './custom-resource.ts';
import { parseExternalSecret } from './external-secret.ts';
import { externalSecretKind, kinds } from './kinds.ts';
import { referencePage, unserved } from './reference-page.ts';

const page = referencePage(kinds);

describe('the reference page', () => {
  it('lists the fields of every kind that are not served or without effect', () => {
    const listed = [...page.matchAll(/^- (\w+): `([^`]+)`$/gm)].map(([, kind, path]) => `${kind} ${path}`);
    expect(listed).toContain('ExternalSecret spec.data[].sourceRef.generatorRef');
    expect(listed).toContain('Webhook spec.auth.ntlm');
    expect(listed).toContain('SecretStore spec.retrySettings');
    expect(listed.filter((line) => line.startsWith('SecretStore spec.provider'))).toEqual([]);
    expect(new Set(listed).size).toBe(listed.length);
  });

  it('calls a field not served exactly where an ExternalSecret is refused for it', () => {
    const generatorRef = { kind: 'UUID', name: 'id' };
    const refused = (spec: object): boolean => {
      const { ok } = parseExternalSecret({ metadata: { name: 'e' }, spec });
      if (ok === undefined) throw new Error('the spec does not parse');
      try {
        refuseUnsupported(ok.spec);
        return false;
      } catch {
        return true;
      }
    };
    expect(refused({ data: [{ secretKey: 'k', remoteRef: { key: 'r' }, sourceRef: { generatorRef } }] })).toBe(true);
    expect(refused({ dataFrom: [{ sourceRef: { generatorRef } }] })).toBe(false);
    const paths = unserved('spec', objectSchema(externalSecretKind).properties?.['spec']);
    expect(paths.filter((path) => path.includes('generatorRef'))).toEqual(['spec.data[].sourceRef.generatorRef']);
  });
});
