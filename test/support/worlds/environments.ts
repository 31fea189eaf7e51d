// The Environments of worlds: `settings` at home imports `base` of the library, which may be shared or not, or opens a Secret.
import type { ModelObject } from '../model/kinds.ts';
import { decoded, home, library } from './specs.ts';
import type { Stage } from './stage.ts';

/** What the values of `settings` are besides its own key `k`. */
export const settingsForms = ['imports', 'opens', 'plain'] as const;
type SettingsForm = (typeof settingsForms)[number];

const opened = { 'fn::open::kubernetes-secrets': { get: { l: { name: 'source', key: 'l' } } } };

export function settings(form: SettingsForm, values: { readonly k: string; readonly l: string }): ModelObject {
  const { k, l } = values;
  const spec = {
    imports: { imports: [`${library}/base`], values: { k } },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the language of Environments
    opens: { values: { k, from: opened, l: '${from.l}' } },
    plain: { values: { k, l } },
  }[form];
  return { kind: 'Environment', metadata: { namespace: home, name: 'settings' }, spec };
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
