// What somebody does to Secrets by hand.
import { encoded, foreignKey, shared } from '../specs.ts';
import { at, type Happenings, withLabels } from './chance.ts';

export const secrets = {
  /** Edits its data, or something beside them, which makes our next write a conflict. */
  drift: (stage, { a, b }) =>
    stage.touch(a, (secret) => {
      const [key = 'k'] = Object.keys(secret.data ?? {});
      if (b < 0.5 && key !== foreignKey && secret.immutable !== true)
        return { ...secret, data: { ...secret.data, [key]: encoded('drifted') } };
      const annotations = { ...secret.metadata.annotations, seen: String(b) };
      return { ...secret, metadata: { ...secret.metadata, annotations } };
    }),
  removeSecret: (stage, { a }) => stage.removeSecret(a),
  /** The labels that it is watched by are taken off. */
  unlabel: (stage, { a }) => stage.touch(a, (secret) => withLabels(secret, {})),
  disown: (stage, { a }) =>
    stage.touch(a, (secret) => ({ ...secret, metadata: { ...secret.metadata, ownerReferences: [] } })),
  /** The Secret that others merge into is somebody's. */
  foreign: (stage) => {
    const { data = {} } = stage.objects.get('Secret', at(shared)) ?? {};
    stage.touched(at(shared));
    stage.objects.apply({ kind: 'Secret', metadata: at(shared), data: { ...data, [foreignKey]: encoded('theirs') } });
  },
} satisfies Happenings;
