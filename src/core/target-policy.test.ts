import { describe, expect, it } from 'vitest';
import { OperatorError } from '../base/operator-error.ts';
import { endings, intentFor, isAbsenceWanted, type TargetPolicy } from './target-policy.ts';

type Answer = `${'write' | 'delete' | 'leave'} ${keyof typeof endings}` | 'refused';
const creations = ['Owner', 'Orphan', 'Merge', 'CreateOrMerge', 'None'] as const;

function answerOf(
  creation: TargetPolicy['creation'],
  deletion: TargetPolicy['deletion'],
  isEmpty: boolean,
  exists: boolean,
) {
  try {
    const policy = { creation, deletion, immutable: false };
    const { kind, ending } = intentFor(policy, { targetName: 't', isEmpty, exists });
    const name = Object.entries(endings).find(([, known]) => known === ending)?.[0];
    return `${kind} ${name}`;
  } catch (thrown) {
    return thrown instanceof OperatorError && thrown.reason === 'InvalidSpec' ? 'refused' : thrown;
  }
}

describe('intentFor', () => {
  type Row = [
    deletion: TargetPolicy['deletion'],
    isEmpty: boolean,
    exists: boolean,
    Answer,
    Answer,
    Answer,
    Answer,
    Answer,
  ];
  const written = 'write synced';
  const rows: Row[] = [
    // deletion, empty, exists, then: Owner, Orphan, Merge, CreateOrMerge, None
    ['Retain', false, false, written, written, 'leave missing', written, 'leave synced'],
    ['Retain', false, true, written, written, written, written, 'leave synced'],
    ['Retain', true, false, 'leave retained', 'leave retained', 'leave retained', 'leave retained', 'leave retained'],
    ['Retain', true, true, 'leave retained', 'leave retained', 'leave retained', 'leave retained', 'leave retained'],
    ['Delete', false, false, written, written, 'leave missing', written, 'leave synced'],
    ['Delete', false, true, written, written, written, written, 'leave synced'],
    ['Delete', true, false, 'leave deleted', 'refused', 'refused', 'refused', 'refused'],
    ['Delete', true, true, 'delete deleted', 'refused', 'refused', 'refused', 'refused'],
    ['Merge', false, false, written, written, 'leave missing', written, 'leave synced'],
    ['Merge', false, true, written, written, written, written, 'leave synced'],
    ['Merge', true, false, written, written, 'leave missing', written, 'leave synced'],
    ['Merge', true, true, written, written, written, written, 'leave synced'],
  ];
  it.each(rows)('deletionPolicy %s, no data %s, target there %s', (deletion, isEmpty, exists, ...answers) => {
    expect(creations.map((creation) => answerOf(creation, deletion, isEmpty, exists))).toEqual(answers);
  });

  it('names the policy when it may not delete', () => {
    const policy = { creation: 'Orphan', deletion: 'Delete', immutable: false } as const;
    expect(() => intentFor(policy, { targetName: 't', isEmpty: true, exists: true })).toThrow(
      'unable to delete secret t: creationPolicy=Orphan is not Owner',
    );
  });
});

describe('isAbsenceWanted', () => {
  it.each<[TargetPolicy['creation'], TargetPolicy['deletion'], string | undefined, boolean]>([
    ['Owner', 'Retain', 'SecretSynced', false],
    ['Owner', 'Delete', 'SecretSynced', false],
    ['Owner', 'Delete', 'SecretDeleted', true],
    ['CreateOrMerge', 'Retain', 'SecretSynced', false],
    ['Orphan', 'Retain', 'SecretSynced', true],
    ['None', 'Retain', undefined, true],
    ['Merge', 'Retain', 'SecretSynced', false],
    ['Merge', 'Retain', 'SecretMissing', true],
  ])('under %s and %s after %s: %s', (creation, deletion, reason, wanted) => {
    expect(isAbsenceWanted({ creation, deletion, immutable: false }, reason)).toBe(wanted);
  });
});
