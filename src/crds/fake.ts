// Provider block `fake`: values written into the manifest, for demonstrations and tests.
// Field reference of the compatible API: https://external-secrets.io/latest/provider/fake/
import * as z from 'zod/mini';
import { about, integer, optional, text } from './kit.ts';

const fakeEntry = z.object({
  key: text('Name of the value.'),
  value: text('The value.'),
  version: optional(text('Version of the value; absent means the one without a version.')),
});

export const fakeSpec = about(
  'Serves the values that stand here, for demonstrations and tests.',
  z.object({
    data: about('The values.', z.array(fakeEntry)),
    validationResult: optional(
      integer('What the validation of the store says: 0 ready, 1 unknown, 2 error. Absent means 0.'),
    ),
  }),
);

export type FakeSpec = z.infer<typeof fakeSpec>;
