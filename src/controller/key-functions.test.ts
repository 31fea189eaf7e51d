// The functions of templates that make keys, hash passwords, or derive keys from them: up to seconds of work in one call, so
// the event loop does none of it.
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { watched } from '../../test/support/thread-time.ts';
import { Budget, inlineShare } from '../core/budget.ts';
import { type JobTable, runJob } from '../core/jobs.ts';
import { loadParts } from '../core/parts.ts';
import { SecretValue } from '../core/secret-value.ts';
import { functionFamilies } from '../core/template/functions/all.ts';
import { createDesk } from './desk.ts';
import { heavyRooms } from './heavy-rooms.fixture.ts';

const rooms = heavyRooms({ deadlineMs: 110_000 }); // the primes of a large key, on a machine that does other things
const { heavy } = rooms;
const patience = 120_000;
/** What one step of the event loop may take. */
const longestPauseMs = 50;
const never = new AbortController().signal;
const data = new Map<string, SecretValue>();

function orderOf(text: string): JobTable['render']['input'] {
  const template = { engineVersion: 'v2', mergePolicy: 'Replace', data: { k: text } } as const;
  return { template, data, texts: new Map(), nowMs: Date.UTC(2026, 0), seed: '07'.repeat(32) };
}

async function rendered(text: string): Promise<string> {
  const desk = createDesk('shop', rooms, never);
  const made = await desk.run('render', orderOf(text));
  return made.data.get('k')?.text() ?? '';
}

beforeAll(async () => {
  await loadParts();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  data.set('key', new SecretValue(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()));
  data.set('cert', new SecretValue(await rendered('{{ (genSelfSignedCertWithKey "web" nil nil 30 .key).Cert }}')));
  data.set('store', new SecretValue(await rendered('{{ pemToPkcs12 .cert .key }}')));
}, patience);
afterAll(() => heavy.close());

const certificate = /^-----BEGIN CERTIFICATE-----/;
const key = /^-----BEGIN (?:EC |RSA )?PRIVATE KEY-----/;
const store = /^[\w+/]{200,}=*$/;

/** By function: a text that calls it, and what it gives. */
const calls: Readonly<Record<string, readonly [text: string, expected: RegExp]>> = {
  bcrypt: ['{{ bcrypt "password" }}', /^\$2a\$10\$/],
  htpasswd: ['{{ htpasswd "ada" "password" "bcrypt" }}', /^ada:\$2a\$/],
  derivePassword: ['{{ derivePassword 1 "long" "password" "ada" "example.com" }}', /^.{14}$/],
  genPrivateKey: ['{{ genPrivateKey "rsa" }}', /^-----BEGIN RSA PRIVATE KEY-----/],
  genCA: ['{{ (genCA "ca" 30).Cert }}', certificate],
  genCAWithKey: ['{{ (genCAWithKey "ca" 30 .key).Cert }}', certificate],
  genSelfSignedCert: ['{{ (genSelfSignedCert "web" nil nil 30).Key }}', key],
  genSelfSignedCertWithKey: ['{{ (genSelfSignedCertWithKey "web" nil nil 30 .key).Cert }}', certificate],
  genSignedCert: ['{{ (genSignedCert "web" nil nil 30 (genCAWithKey "ca" 30 .key)).Cert }}', certificate],
  genSignedCertWithKey: [
    '{{ (genSignedCertWithKey "web" nil nil 30 (genCAWithKey "ca" 30 .key) .key).Cert }}',
    certificate,
  ],
  pemToPkcs12: ['{{ pemToPkcs12 .cert .key }}', store],
  pemToPkcs12Pass: ['{{ pemToPkcs12Pass .cert .key "password" }}', store],
  fullPemToPkcs12: ['{{ fullPemToPkcs12 .cert .key }}', store],
  fullPemToPkcs12Pass: ['{{ fullPemToPkcs12Pass .cert .key "password" }}', store],
  pemTruststoreToPKCS12: ['{{ pemTruststoreToPKCS12 .cert }}', store],
  pemTruststoreToPKCS12Pass: ['{{ pemTruststoreToPKCS12Pass .cert "password" }}', store],
  pkcs12key: ['{{ pkcs12key (.store | b64dec) }}', key],
  pkcs12keyPass: ['{{ pkcs12keyPass "" (.store | b64dec) }}', key],
  pkcs12cert: ['{{ pkcs12cert (.store | b64dec) }}', certificate],
  pkcs12certPass: ['{{ pkcs12certPass "" (.store | b64dec) }}', certificate],
};

describe('functions of templates that make or derive keys', () => {
  it('are all here', () => {
    const names = functionFamilies.flatMap(({ functions }) => functions.map(({ name }) => name));
    const named = names.filter((name) => /^(bcrypt|htpasswd|derivePassword|gen[A-Z]|.*pkcs12)/i.test(name));
    expect(named.sort()).toEqual(Object.keys(calls).sort());
  });

  it.each(Object.entries(calls))(
    '%s is not called by the thread of the event loop',
    async (_, [text, expected]) => {
      // Its share of a turn does not pay for one.
      expect(() => runJob('render', orderOf(text), new Budget(inlineShare))).toThrow(
        expect.objectContaining({ reason: 'TooMuchWork' }),
      );
      const { longestMs, outcome } = await watched(() => rendered(text));
      expect(longestMs).toBeLessThan(longestPauseMs);
      expect(outcome).toEqual({ status: 'fulfilled', value: expect.stringMatching(expected) });
      expect(heavy.threadCount).toBe(1);
    },
    patience,
  );
});
