// A kind that no program needs: a Note whose text is written into its status. It is here to show what a kind takes: a schema,
// a row, a controller; nothing else knows it.
import * as z from 'zod/mini';
import { asOperatorError, OperatorError } from '../../../src/base/operator-error.ts';
import type { KindRow } from '../../../src/controller/kit/kind.ts';
import { type Memory, newMemory, ObjectController } from '../../../src/controller/kit/object-controller.ts';
import { lanes } from '../../../src/controller/lanes.ts';
import { recordMeta } from '../../../src/controller/records.ts';
import { failedVerdict, type Reported } from '../../../src/controller/report.ts';
import type { Controller, ControllerRooms, Followed } from '../../../src/controller/rooms.ts';
import { type Condition, conditions, observedGeneration } from '../../../src/crds/condition.ts';
import type { Kind } from '../../../src/crds/custom-resource.ts';
import { about, optional, text } from '../../../src/crds/kit.ts';
import { recordAt } from '../../../src/crds/parse.ts';

const definition: Kind = {
  resource: { group: 'stub.test', version: 'v1alpha1', plural: 'notes', kind: 'Note', namespaced: true },
  shortNames: [],
  description: 'Says aloud what it is told.',
  spec: about('What is to be said.', z.object({ text: text('The text.') })),
  status: about(
    'What was said.',
    z.object({ said: optional(text('The text, aloud.')), conditions, observedGeneration }),
  ),
  columns: [],
};

interface NoteRecord extends Reported {
  readonly text: string;
  readonly status: Reported['status'] & { readonly said?: string };
}

export const noteKind: KindRow<NoteRecord> = {
  definition,
  record(object) {
    const { said, ...status } = recordAt(object, 'status') as { said?: string; conditions?: Condition[] }; // as we wrote it
    const told = recordAt(object, 'spec')['text'];
    return {
      ...recordMeta(object),
      text: typeof told === 'string' ? told : '',
      status: { ...status, ...(said === undefined ? {} : { said }) },
    };
  },
  eventComponent: 'note',
  series: { controller: 'note' },
  rights: [
    { verb: 'list', why: 'notes are found', test: { file: 'stub.test.ts', name: 'says it' } },
    { verb: 'patch', subresource: 'status', why: 'it is told', test: { file: 'stub.test.ts', name: 'says it' } },
  ],
};

/** Opens its controller over what is followed of the kind. */
export function openNotes(followed: Followed<NoteRecord>, rooms: ControllerRooms): Controller {
  const reporter = rooms.reporterOf(noteKind, followed);
  const kit = new ObjectController<NoteRecord, Memory>(
    {
      kinds: [noteKind],
      kindOf: () => 'Note',
      find: (key) => followed.view.get(key),
      isOurs: () => true,
      async run(note, _memory, _run, { write }) {
        const error = note.text === '' ? new OperatorError('InvalidSpec', 'spec.text: says nothing') : undefined;
        const verdict =
          error === undefined
            ? ({ ready: 'True', reason: 'Said', message: 'said' } as const)
            : failedVerdict('SaidNothing', error);
        try {
          const said = { said: note.text.toUpperCase() };
          await reporter.writeStatus(note, verdict, { fields: said, isDue: note.status.said !== said.said }, write);
        } catch (thrown) {
          return { kind: 'failed', error: asOperatorError(thrown), origin: '' };
        }
        if (error !== undefined) return { kind: 'failed', error, origin: '' };
        reporter.event(note, 'Normal', 'Said', verdict.message);
        return { kind: 'synced', next: undefined };
      },
      async tell(note, error, signal) {
        await reporter.writeStatus(note, failedVerdict('Unsaid', error), { fields: {}, isDue: false }, signal);
      },
      intervalMs: () => 0,
      groupOf: (key) => key,
      retryLane: lanes.background,
      failureMessage: 'nothing said',
    },
    rooms,
  );
  const unsubscribe = followed.informer.subscribe(({ key, before, after }) => {
    if (after === undefined) return kit.forget(key);
    if (before?.uid !== after.uid) kit.remember(key, newMemory(rooms.clock));
    if (before?.generation !== after.generation) kit.wake(key, { lane: lanes.spec, cause: 'changed' });
  });
  return {
    start: () => kit.start(),
    stop: async (graceMs) => {
      unsubscribe();
      await kit.stop(graceMs);
    },
    queueLoad: (kind) => kit.queueLoad(kind),
  };
}
