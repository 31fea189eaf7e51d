// What befalls an ExternalSecret whose value is generated, and its generator.
import { generatedCreations, generatedName, generatedSecret, generator, generatorKinds } from '../generated.ts';
import { type Happenings, pick, withLabels } from './chance.ts';

export const generated = {
  generated: ({ objects }, { a, b }) =>
    void objects.apply(generatedSecret(pick(generatorKinds, a), pick(generatedCreations, b))),
  removeGenerated: ({ objects }) => objects.remove('ExternalSecret', generatedName),
  labelGenerated: ({ objects }, { a }) =>
    objects.edit('ExternalSecret', generatedName, (object) => withLabels(object, { tier: pick(['gold', 'iron'], a) })),
  generator: ({ objects }, { a }) => void objects.apply(generator(pick(generatorKinds, a))),
  removeGenerator: ({ objects }, { a }) => {
    const kind = pick(generatorKinds, a);
    objects.remove(kind, generator(kind).metadata);
  },
} satisfies Happenings;
