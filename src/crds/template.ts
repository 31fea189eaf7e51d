// How an ExternalSecret shapes its target: `spec.target.template`. The template language itself is core's.
import * as z from 'zod/mini';
import { about, dataKey, defaulted, objectName, oneOf, optional, text, textList, textMap } from './kit.ts';
import { decodingStrategies } from './source.ts';

const templateItem = z.object({
  key: dataKey('Key that holds the template.'),
  templateAs: defaulted(
    oneOf(
      ['Values', 'KeysAndValues'],
      'Values: the rendered text becomes the value of this key. KeysAndValues: it is YAML whose entries become keys. Default Values.',
    ),
    'Values',
  ),
});

const templateObject = z.object({
  name: objectName('Name of the object, in the namespace of the ExternalSecret.'),
  items: about('Keys to take templates from.', z.array(templateItem)),
});

const templateFrom = z.object({
  configMap: optional(about('Templates in a ConfigMap.', templateObject)),
  secret: optional(about('Templates in a Secret.', templateObject)),
  literal: optional(text('A template written here; its result is YAML whose entries become keys.')),
  target: defaulted(
    text(
      'Part of the target that receives the result: Data, Annotations, Labels, or a path in a manifest. Default Data.',
    ),
    'Data',
  ),
  valuesDecodingStrategy: optional(
    oneOf(decodingStrategies, 'How rendered values are decoded before they are stored; absent means None.'),
  ),
});

export const template = about(
  'Blueprint of the target. Its mere presence, even empty, keeps labels and annotations of the ExternalSecret off the target.',
  z.object({
    type: optional(text('Type of the Secret; absent means Opaque.')),
    engineVersion: defaulted(oneOf(['v2'], 'Version of the template language. Default v2.'), 'v2'),
    mergePolicy: defaulted(
      oneOf(
        ['Replace', 'Merge'],
        'Replace: only templated keys are stored. Merge: provider keys stay beside them. Default Replace.',
      ),
      'Replace',
    ),
    metadata: optional(
      about(
        'Metadata of the target.',
        z.object({
          annotations: optional(textMap('Annotations; values are templates.')),
          labels: optional(textMap('Labels; values are templates.')),
          finalizers: optional(textList('Finalizers that are added to the target and never taken away.')),
        }),
      ),
    ),
    data: optional(textMap('Keys of the target, each with its template.')),
    templateFrom: optional(
      about('Templates from elsewhere, applied in order; `data` wins over them.', z.array(templateFrom)),
    ),
  }),
);

export type Template = z.infer<typeof template>;
