// What users do to Environments, to who may use them, and to what they open.
import { base, publications, settings, settingsForms } from '../environments.ts';
import { asideSecret, library } from '../specs.ts';
import { at, type Happenings, pick } from './chance.ts';

export const environments = {
  settings: (stage, { a, b }) => {
    const values = { k: stage.newValue('settings', 'k'), l: stage.newValue('settings', 'l') };
    stage.objects.apply(settings(pick(settingsForms, a), values, pick(publications, b)));
  },
  removeSettings: ({ objects }) => objects.remove('Environment', at('settings')),
  /** What is imported changes, or who may import it. */
  base: (stage, { a }) => stage.objects.apply(base(stage.newValue('base', 'l'), a < 0.7)),
  removeBase: ({ objects }) => objects.remove('Environment', { namespace: library, name: 'base' }),
  source: (stage) => stage.objects.apply(asideSecret('source', { l: stage.newValue('source', 'l') })),
  removeSource: ({ objects }) => objects.remove('Secret', at('source')),
} satisfies Happenings;
