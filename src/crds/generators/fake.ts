// Kind Fake: values written into the manifest. Field reference of the compatible API: https://external-secrets.io/latest/api/generator/fake/
import * as z from 'zod/mini';
import { optional, text, textMap } from '../kit.ts';

export const fakeGeneratorSpec = z.object({
  controller: optional(text('Class of the controller that serves the generator; absent means any.')),
  data: optional(textMap('The output, by key.')),
});

export type FakeGeneratorSpec = z.infer<typeof fakeGeneratorSpec>;
