// The ExternalSecret of worlds whose target is made by a template, and the ConfigMap and the Secret that the template comes from.
import { type ModelObject, readyOf } from '../model/kinds.ts';
import { asideLabels, decoded, encoded, home, interval, specOf } from './specs.ts';
import type { Stage } from './stage.ts';
import { truthOf } from './truth.ts';
import type { When } from './verdict.ts';

export const templatedName = { namespace: home, name: 'm' };
export const textKinds = ['ConfigMap', 'Secret'] as const;
type TextKind = (typeof textKinds)[number];
const textName = 'words';
const textKey = 'text';

/** Each kind gives the line of its own name. */
export function templateText(kind: TextKind, word: string): ModelObject {
  const text = `${kind}: {{ .k }} is ${word}`;
  const data = { [textKey]: kind === 'Secret' ? encoded(text) : text };
  return { kind, metadata: { namespace: home, name: textName, labels: asideLabels }, data };
}

export function templatedSecret(kinds: readonly TextKind[]): ModelObject {
  const source = { name: textName, items: [{ key: textKey, templateAs: 'KeysAndValues' }] };
  const templateFrom = kinds.map((kind) => (kind === 'Secret' ? { secret: source } : { configMap: source }));
  const data = { drawn: '{{ randAlphaNum 8 }}', plain: '{{ .k }}' };
  const target = { name: templatedName.name, creationPolicy: 'Owner', deletionPolicy: 'Retain' };
  const spec = {
    refreshInterval: interval,
    refreshPolicy: 'Periodic',
    secretStoreRef: { kind: 'SecretStore', name: 's' },
    target: { ...target, template: { data, templateFrom } },
    data: [{ secretKey: 'k', remoteRef: { key: 'k' } }],
  };
  return { kind: 'ExternalSecret', metadata: templatedName, spec };
}

interface Template {
  readonly templateFrom: readonly { readonly secret?: object; readonly configMap?: object }[];
}

export function wrongWithTemplated(stage: Stage, es: ModelObject, template: object, when: When): string[] {
  const { name } = es.metadata;
  const ready = readyOf(es);
  const { templateFrom } = template as Template; // as above
  const texts = templateFrom.map(({ secret }) => textOf(stage, secret === undefined ? 'ConfigMap' : 'Secret'));
  const truth = truthOf(stage, es);
  const value = 'values' in truth ? truth.values.get('k') : undefined;
  if (texts.includes(undefined) || value === undefined) {
    const isKnown = texts.includes(undefined) || when === 'waves';
    return isKnown && ready?.status !== 'False' ? [`${name}: Ready=${ready?.status}, and a source is not there`] : [];
  }
  if (ready?.status !== 'True')
    return stage.wasWrong && when === 'soon' ? [] : [`${name}: not Ready: ${ready?.message ?? 'no verdict'}`];
  const data = stage.objects.get('Secret', { ...templatedName, name: specOf(es).target.name })?.data ?? {};
  const held = decoded(data['plain']);
  // The texts are followed; of the upstream nobody knows more than was read.
  const isRead = held === value || (when === 'soon' && stage.issued.get('k')?.has(held) === true);
  const lines = texts.flatMap((text = '') => {
    const [key = '', line = ''] = text.split(': ');
    const wanted = line.replace('{{ .k }}', held);
    return decoded(data[key]) === wanted ? [] : [`${name}: ${key} is ${decoded(data[key])}, not ${wanted}`];
  });
  const isDrawn = decoded(data['drawn']).length === 8;
  return [...(isRead && isDrawn ? [] : [`${name}: plain is ${held}, not ${value}`]), ...lines];
}

function textOf({ objects }: Stage, kind: TextKind): string | undefined {
  const text = objects.get(kind, { namespace: home, name: textName })?.data?.[textKey];
  return text === undefined || kind === 'ConfigMap' ? text : decoded(text);
}

export function removedText(kind: TextKind) {
  return [kind, { namespace: home, name: textName }] as const;
}
