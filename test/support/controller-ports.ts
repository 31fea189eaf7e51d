// Ports for controllers in tests that look at one of them: a fake clock, real metrics, a log that is kept, and what they do not
// ask for refuses to answer.

import { Slots } from '../../src/base/slots.ts';
import { LoopShare, notedWorkplaces, type RunNotes } from '../../src/controller/desk.ts';
import type { KindRow } from '../../src/controller/kit/kind.ts';
import { seriesOf } from '../../src/controller/kit/kind.ts';
import { Writer } from '../../src/controller/kit/writer.ts';
import { externalSecretRecord, keptTargetRecord, storeRecord } from '../../src/controller/records.ts';
import type { ControllerPorts } from '../../src/controller/rooms.ts';
import type { EventDraft } from '../../src/kube/events.ts';
import { noRunNotes } from '../../src/operator/run-notes.ts';
import { Registry } from '../../src/telemetry/metrics.ts';
import { operatorMetrics } from '../../src/telemetry/operator-metrics.ts';
import { Collection, clientOf } from './collection.ts';
import { FakeClock } from './fake-clock.ts';

interface Identified {
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: object;
}

/** `more` are collections by their plural, besides those of ExternalSecrets, stores and Secrets. */
export function controllerPorts(
  rows: readonly KindRow[],
  more: Readonly<Record<string, Pick<Collection<Identified>, 'client'>>> = {},
  notes: RunNotes = noRunNotes,
) {
  const externalSecrets = new Collection(externalSecretRecord);
  const stores = new Collection(storeRecord('SecretStore'));
  const secrets = new Collection((object) => keptTargetRecord(object));
  const kube = clientOf({ externalsecrets: externalSecrets, secretstores: stores, secrets, ...more });
  const clock = new FakeClock();
  const registry = new Registry();
  const slots = new Slots(4);
  const events: EventDraft[] = [];
  const lines: LogLine[] = [];
  const told = (level: string) => (fields: object, message: string) => void lines.push({ level, message, fields });
  const unasked = () => Promise.reject(new Error('nobody should ask for this'));
  const ports: ControllerPorts = {
    kube,
    writer: new Writer({ kube, slots, guard: () => {} }),
    slots,
    events: { record: (event) => void events.push(event) },
    dialect: { extended: true },
    clock,
    log: { debug: told('debug'), info: told('info'), warn: told('warn'), error: told('error') },
    metrics: operatorMetrics(registry, {
      startedAtMs: 0,
      version: '1',
      extendedLabels: false,
      monotonicMs: () => clock.monotonicMs(),
      kinds: rows.map(seriesOf),
    }),
    caches: { namespaces: [], kinds: { ExternalSecret: externalSecrets, SecretStore: stores }, targets: secrets },
    connect: {
      namespaceLabels: async () => ({}),
      provider: () => undefined,
      objects: { hold: () => {}, release: () => {}, read: unasked, subscribe: () => () => {} },
      tokens: { createToken: unasked },
      operator: {
        checkChooser() {},
        sources() {
          throw new Error('nobody should ask for this');
        },
      },
      controllerClass: 'default',
      clusterStores: true,
      signal: new AbortController().signal,
    },
    news: { subscribe: () => () => {} },
    workplaces: notedWorkplaces({ heavy: { run: unasked }, loop: new LoopShare(() => Promise.resolve()) }, notes),
    generation: { random: (size) => Buffer.alloc(size), keyPair: unasked, sendWebhook: unasked },
    capabilities: () => 'ReadOnly',
    heartbeatMs: 3_600_000,
    templateDelimiters: ['{{', '}}'],
    storeRequeueMs: 300_000,
    storeReconciler: true,
  };
  const exposed = (name: string) =>
    registry
      .render()
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`));
  return { ports, clock, events, lines, exposed, externalSecrets, stores, secrets };
}
