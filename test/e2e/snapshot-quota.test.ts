// One namespace that asks for more answers than may be kept for it, by each provider that keeps some: what is beyond is told,
// what was asked before is served, and the metric shows the bound.
import { expect, it } from 'vitest';
import { applyYaml, listOf } from '../support/kubectl.ts';
import { entry, externalSecret, type PulumiScene, startPulumi } from '../support/pulumi-scene.ts';
import { credentials, plantSample, store } from '../support/samples.ts';
import { condition, until } from '../support/wait.ts';

const bound = 4;
const wanted = Array.from({ length: bound + 2 }, (_, i) => `s${i}`);

/** Plants what each of the wanted ExternalSecrets reads: an answer of its own. Gives the spec of one. */
const plants: Readonly<Record<string, (made: PulumiScene) => Promise<(name: string) => object>>> = {
  async infisical({ scene }) {
    const reader = plantSample(scene);
    for (const name of wanted)
      scene.double.secrets.set({ environment: 'dev', path: `/${name}`, key: 'KEY', value: scene.value(name) });
    await scene.put(credentials('credentials', reader), store({ name: 'store', hostAPI: scene.double.url }));
    return (name) => ({ secretStoreRef: { name: 'store' }, data: [entry('value', `/${name}/KEY`)] });
  },
  async pulumi({ scene, pulumi, ...made }) {
    for (const name of wanted) pulumi.environments.set(`acme/shop/${name}`, { KEY: scene.value(name) });
    const auth = { accessToken: { secretRef: { name: 'login', key: 'token' } } };
    await scene.put(made.login(), ...wanted.map((name) => made.store(name, { auth, environment: name })));
    return (name) => ({ secretStoreRef: { name }, data: [entry('value', 'KEY')] });
  },
  async esc({ scene: { namespace, kubeconfig, ...scene } }) {
    const environments = wanted.map((name) => ({
      apiVersion: 'escapement.dev/v1alpha1',
      kind: 'Environment',
      metadata: { name, namespace },
      spec: { values: { KEY: { 'fn::secret': scene.value(name) } } },
    }));
    await applyYaml(listOf(environments), { kubeconfig });
    const stores = wanted.map((name) => ({
      apiVersion: 'external-secrets.io/v1',
      kind: 'SecretStore' as const,
      metadata: { name },
      spec: { provider: { esc: { environment: name } } },
    }));
    await scene.put(...stores);
    return (name) => ({ secretStoreRef: { name }, data: [entry('value', 'KEY')] });
  },
};

it.each(Object.keys(plants))('answers of %s beyond the share of a namespace are refused', async (provider) => {
  const made = await startPulumi({ flags: [`--snapshots-per-namespace=${bound}`] });
  const { scene } = made;
  const specOf = await plants[provider]?.(made);
  if (specOf === undefined) throw new Error('nothing was planted');
  await scene.put(...wanted.map((name) => externalSecret(name, specOf(name))));
  const verdicts = await until('all are judged', async () => {
    const { items } = await scene.api.list('ExternalSecret', scene.namespace);
    const ready = items.map((one) => condition(one, 'Ready')).filter((one) => one !== undefined);
    return ready.length === wanted.length ? ready : undefined;
  });
  const refused = verdicts.filter(({ status }) => status === 'False');
  expect(refused.length).toBeGreaterThan(0);
  for (const { message } of refused)
    expect(message).toContain(`${scene.namespace}: more than ${bound} answers of upstreams are held for it`);
  const share = (of: string) => scene.operator().metric('escapement_namespace_shares', `what="snapshots",of="${of}"`);
  expect([await share('greatest'), await share('bound')]).toEqual([bound, bound]);
});
