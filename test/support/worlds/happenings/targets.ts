// What befalls ExternalSecrets whose targets are made by a template or immutable, and what the template comes from.
import { frozenName, frozenSecret } from '../frozen.ts';
import { removedText, templatedName, templatedSecret, templateText, textKinds } from '../templated.ts';
import { type Happenings, keysBy, part, pick, withLabels } from './chance.ts';

const sources = [['ConfigMap'], ['Secret'], ['ConfigMap', 'Secret'], []] as const;

export const targets = {
  templated: ({ objects }, { a }) => void objects.apply(templatedSecret(pick(sources, a))),
  labelTemplated: ({ objects }, { a }) =>
    objects.edit('ExternalSecret', templatedName, (object) => withLabels(object, { tier: pick(['gold', 'iron'], a) })),
  text: (stage, { a }) => {
    const kind = pick(textKinds, a);
    stage.objects.apply(templateText(kind, stage.newValue('words', kind)));
  },
  removeText: ({ objects }, { a }) => objects.remove(...removedText(pick(textKinds, a))),
  frozen: ({ objects }, { a }) => void objects.apply(frozenSecret(keysBy(a))),
  removeFrozen: ({ objects }, { a }) => {
    objects.remove('ExternalSecret', frozenName);
    if (part(a, 1) < 0.5) objects.apply(frozenSecret(keysBy(a)));
  },
} satisfies Happenings;
