// The Environments of worlds: `settings` at home imports `base` of the library, which may be shared or not, or opens a Secret.
import { createdByLabel } from '../../../src/core/contract-names.ts';
import { type ModelObject, readyOf } from '../model/kinds.ts';
import { decoded, home, interval, library } from './specs.ts';
import type { Stage } from './stage.ts';

/** What the values of `settings` are besides its own key `k`. */
export const settingsForms = ['imports', 'opens', 'plain'] as const;
type SettingsForm = (typeof settingsForms)[number];

const opened = { 'fn::open::kubernetes-secrets': { get: { l: { name: 'source', key: 'l' } } } };

interface Publish {
  readonly secretName: string;
  readonly configMapName?: string;
  readonly refreshInterval: string;
}

/** Where the variables of `settings` are written, if anywhere. */
export const publications: readonly (Publish | undefined)[] = [
  undefined,
  { secretName: 'pub', configMapName: 'pub', refreshInterval: '0s' },
  { secretName: 'pub', refreshInterval: interval },
  { secretName: 'pub-2', configMapName: 'pub-2', refreshInterval: '0s' },
];

/** One that is secret, and one that is as secret as what it is made of. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: the language of Environments
const environmentVariables = { K: '${hidden}', L: '${l}' };

export function settings(
  form: SettingsForm,
  values: { readonly k: string; readonly l: string },
  publish?: Publish,
): ModelObject {
  const { k, l } = values;
  const hidden = { 'fn::secret': k };
  const spec = {
    imports: { imports: [`${library}/base`], values: { k, hidden, environmentVariables } },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the language of Environments
    opens: { values: { k, from: opened, l: '${from.l}', hidden, environmentVariables } },
    plain: { values: { k, l, hidden, environmentVariables } },
  }[form];
  const metadata = { namespace: home, name: 'settings' };
  return { kind: 'Environment', metadata, spec: { ...spec, ...(publish === undefined ? {} : { publish }) } };
}

/** What is wrong with the verdicts on Environments, and with what they publish. Everything that they name is followed. */
export function wrongWithEnvironments(stage: Stage): string[] {
  const { objects } = stage;
  const wrong = objects.all('Environment').flatMap((environment) => wrongVerdict(stage, environment));
  const found = objects.get('Environment', { namespace: home, name: 'settings' });
  const { publish } = (found?.spec ?? {}) as { publish?: Publish }; // as above
  const values = found === undefined ? 'there is no Environment' : openSettings(stage);
  const published = publish === undefined || typeof values === 'string' ? [] : wrongPublication(stage, publish, values);
  // With an error all stays as it is.
  const strays = typeof values === 'string' && found !== undefined ? [] : strayPublications(stage, found, publish);
  return [...wrong, ...published, ...strays];
}

function wrongVerdict(stage: Stage, { metadata, spec }: ModelObject): string[] {
  const { name, generation } = metadata;
  const found = stage.objects.get('Environment', metadata);
  const ready = readyOf(found);
  if (ready === undefined) return [`Environment ${name}: no verdict`];
  if (ready.observedGeneration !== generation)
    return [`Environment ${name}: Ready=${ready.status} of generation ${ready.observedGeneration}, not ${generation}`];
  const { values, publish } = spec as { values: { from?: unknown }; publish?: Publish }; // as above
  const opening = name === 'settings' ? openSettings(stage) : new Map();
  // A check opens nothing, so only who publishes finds that a Secret is not there.
  const isBroken = typeof opening === 'string' && (values.from === undefined || publish !== undefined);
  const wanted = isBroken ? 'False' : 'True';
  return ready.status === wanted ? [] : [`Environment ${name}: Ready=${ready.status}, not ${wanted}: ${ready.message}`];
}

function wrongPublication({ objects }: Stage, publish: Publish, values: ReadonlyMap<string, string>): string[] {
  const { secretName, configMapName = '' } = publish;
  const secret = objects.get('Secret', { namespace: home, name: secretName });
  const configMap = objects.get('ConfigMap', { namespace: home, name: configMapName });
  const [k, l] = [decoded(secret?.data?.['K']), configMap?.data?.['L'] ?? decoded(secret?.data?.['L'])];
  const isPlainK = configMap?.data?.['K'] !== undefined;
  return [
    ...(k === values.get('k') ? [] : [`Secret ${secretName}: K is ${k}, not ${values.get('k')}`]),
    ...(l === values.get('l') ? [] : [`${secretName}: L is ${l}, not ${values.get('l')}`]),
    ...(isPlainK ? [`ConfigMap ${configMapName} has what is secret`] : []),
  ];
}

/** What was published under another name, or is published no more. Nobody sees what somebody took the labels off. */
function strayPublications({ objects }: Stage, found: ModelObject | undefined, publish: Publish | undefined): string[] {
  const isOurs = ({ metadata: { labels = {}, ownerReferences = [] } }: ModelObject) =>
    labels[createdByLabel] !== undefined && ownerReferences.some(({ kind }) => kind === 'Environment');
  const all = [...objects.all('Secret'), ...objects.all('ConfigMap')].filter(isOurs);
  const wanted = found === undefined ? undefined : publish;
  return all.flatMap(({ kind, metadata: { name } }) =>
    name === (kind === 'Secret' ? wanted?.secretName : wanted?.configMapName)
      ? []
      : [`${kind} ${name} was published, and is left`],
  );
}

export function base(value: string, isShared: boolean): ModelObject {
  const spec = { values: { l: value }, sharedWith: { namespaces: isShared ? [home] : [] } };
  return { kind: 'Environment', metadata: { namespace: library, name: 'base' }, spec };
}

interface BaseSpec {
  readonly values: { readonly l: string };
  readonly sharedWith: { readonly namespaces: readonly string[] };
}

/** What opening `settings` gives: its values by key, or why there are none. */
export function openSettings({ objects }: Stage): ReadonlyMap<string, string> | string {
  const found = objects.get('Environment', { namespace: home, name: 'settings' });
  if (found === undefined) return 'there is no Environment';
  const { imports, values } = found.spec as { imports?: unknown; values: { k: string; l?: string; from?: unknown } }; // as above
  if (values.from !== undefined) {
    const text = objects.get('Secret', { namespace: home, name: 'source' })?.data?.['l'];
    return text === undefined
      ? 'its Secret is not there'
      : new Map([
          ['k', values.k],
          ['l', decoded(text)],
        ]);
  }
  if (imports === undefined)
    return new Map([
      ['k', values.k],
      ['l', values.l ?? ''],
    ]);
  const imported = objects.get('Environment', { namespace: library, name: 'base' })?.spec as BaseSpec | undefined;
  if (imported === undefined) return 'what it imports is not there';
  if (!imported.sharedWith.namespaces.includes(home)) return 'what it imports is not shared';
  return new Map([
    ['k', values.k],
    ['l', imported.values.l],
  ]);
}
