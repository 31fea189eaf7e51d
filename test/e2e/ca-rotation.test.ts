// A certificate authority that a caProvider names is followed: replaced there, it is used at once.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { credentials, externalSecret, plantSample, secret, store } from '../support/samples.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { createCa } from '../support/tls.ts';
import { condition } from '../support/wait.ts';

/** The promise is 2 s from the repair; a loaded machine gets five times as much. */
const withinMs = 10_000;

const former = createCa('former').certPem;
const served = createCa('served');

const holders = {
  Secret: (pem: string) => secret('ca', { 'ca.crt': pem }),
  ConfigMap: (pem: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap' as const,
    metadata: { name: 'ca' },
    data: { 'ca.crt': pem },
  }),
};

describe.each(['Secret', 'ConfigMap'] as const)('a CA in a %s', (type) => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await createScene('ca-rotation', { double: { tls: { ca: served } } });
  });

  afterAll(async () => {
    await scene.end();
  });

  it('is used as soon as it is replaced', async () => {
    const identity = plantSample(scene);
    const caProvider = { type, name: 'ca', key: 'ca.crt' };
    await scene.apply(
      holders[type](former),
      credentials('credentials', identity),
      store({ name: 'store', hostAPI: scene.double.url, infisical: { caProvider } }),
      externalSecret({ name: 'app' }),
    );
    expect(condition(await scene.whenFailed('app'), 'Ready')?.message).toContain('caProvider');
    const replacedMs = Date.now();
    await scene.apply(holders[type](served.certPem));
    await scene.whenSynced('app', withinMs);
    expect(Date.now() - replacedMs).toBeLessThan(withinMs);
    expect(await scene.secretData('app')).toHaveProperty('value');
  });
});
