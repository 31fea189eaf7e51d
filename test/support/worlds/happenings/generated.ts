// What befalls an ExternalSecret whose value is generated, and its generator.
import { generatedName, generatedSecret, generator } from '../generated.ts';
import { type Happenings, pick, withLabels } from './chance.ts';

export const generated = {
  generated: ({ objects }) => void objects.apply(generatedSecret()),
  removeGenerated: ({ objects }) => objects.remove('ExternalSecret', generatedName),
  labelGenerated: ({ objects }, { a }) =>
    objects.edit('ExternalSecret', generatedName, (object) => withLabels(object, { tier: pick(['gold', 'iron'], a) })),
  generator: ({ objects }) => void objects.apply(generator()),
  removeGenerator: ({ objects }) => objects.remove('Password', generator().metadata),
} satisfies Happenings;
