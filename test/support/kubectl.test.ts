// Waiting for CRDs, with a stand-in for kubectl that answers as the real one does while the API server takes up a kind.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listOf, untilEstablished } from './kubectl.ts';

const created = { metadata: { name: 'widgets.probe.test' }, status: { conditions: null, storedVersions: ['v1'] } };
const named = { ...created, status: { conditions: [{ type: 'NamesAccepted', status: 'True' }] } };
const served = {
  ...created,
  status: { conditions: [...named.status.conditions, { type: 'Established', status: 'True' }] },
};
const list = (...items: readonly object[]) => ({ kind: 'List', items });

describe('waiting until CRDs are established', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kubectl-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** The wrapper beside a kubeconfig is what `kubectl` runs; this one gives an answer after the other, and keeps to the last. */
  function standIn(answers: readonly object[]): {
    readonly kubeconfig: string;
    readonly asked: () => readonly string[];
  } {
    const at = (name: string) => join(folder, name);
    for (const [index, answer] of answers.entries()) writeFileSync(at(`answer-${index + 1}`), JSON.stringify(answer));
    const script = `#!/bin/sh
echo "$@" >> '${at('asked')}'
count=$(wc -l < '${at('asked')}')
[ $count -gt ${answers.length} ] && count=${answers.length}
cat '${at('answer-')}'$((count))
`;
    writeFileSync(at('kubectl'), script, { mode: 0o755 });
    return { kubeconfig: at('kubeconfig'), asked: () => readFileSync(at('asked'), 'utf8').trim().split('\n') };
  }

  it('goes on where a CRD has no list of conditions yet, as in the moment after it was created', async () => {
    const { kubeconfig, asked } = standIn([created, named, served]);
    await untilEstablished(['crd/widgets.probe.test'], { kubeconfig });
    expect(asked()).toEqual(Array.from({ length: 3 }, () => 'get --output=json crd/widgets.probe.test'));
  });

  it('waits for the last of several', async () => {
    const { kubeconfig, asked } = standIn([list(served, created), list(served, named), list(served, served)]);
    await untilEstablished(['-f', '-'], { kubeconfig, stdin: '{}' });
    expect(asked()).toHaveLength(3);
  });
});

describe('objects for kubectl', () => {
  it('are one JSON document, however many they are', () => {
    expect(JSON.parse(listOf([created, named]))).toEqual({ apiVersion: 'v1', kind: 'List', items: [created, named] });
    expect(JSON.parse(listOf([]))).toMatchObject({ kind: 'List', items: [] });
  });
});
