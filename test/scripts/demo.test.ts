// What the demo leaves of a cluster that is somebody's, and of the folder of its kubeconfig. kubectl is a stand-in that answers as
// the real one does.
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { missingCrds, nameOfCrd, namesOfCrds } from '../../scripts/missing-crds.ts';
import { kubectl } from '../support/kubectl.ts';

const crds = join(import.meta.dirname, '..', '..', 'deploy', 'crds');

describe('the CRDs that the demo installs', () => {
  it('are named as their files say', () => {
    for (const file of readdirSync(crds)) {
      const { metadata } = parse(readFileSync(join(crds, file), 'utf8'));
      expect(metadata.name).toBe(nameOfCrd(file));
    }
  });

  it('are all, where there are none', async () => {
    expect(await missingCrds(crds, async () => ({ stdout: '' }))).toEqual(namesOfCrds(crds));
  });

  it("are only those that the cluster lacks, where another operator's are there", async () => {
    const asked: string[][] = [];
    const theirs = namesOfCrds(crds).filter((name) => name.endsWith('external-secrets.io'));
    const stdout = theirs.map((name) => `customresourcedefinition.apiextensions.k8s.io/${name}\n`).join('');
    const missing = await missingCrds(crds, async (...args) => {
      asked.push(args);
      return { stdout };
    });
    expect(missing).toEqual(['environments.escapement.dev']);
    expect(asked).toEqual([['get', 'crd', ...namesOfCrds(crds), '--ignore-not-found', '--output=name']]);
  });
});

describe('kubectl against the cluster of somebody', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubectl-test-'));
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  it('leaves nothing beside the kubeconfig', async () => {
    const [bin, home] = [mkdtempSync(join(folder, 'bin-')), mkdtempSync(join(folder, 'home-'))];
    writeFileSync(join(bin, 'kubectl'), '#!/bin/sh\nmkdir -p "$KUBECACHEDIR/discovery" && echo "$KUBECACHEDIR"\n');
    chmodSync(join(bin, 'kubectl'), 0o755);
    vi.stubEnv('PATH', `${bin}${delimiter}${process.env['PATH'] ?? ''}`);
    const kubeconfig = join(home, 'config');
    writeFileSync(kubeconfig, '');
    const { stdout } = await kubectl(['version'], { kubeconfig });
    expect(readdirSync(home)).toEqual(['config']);
    expect(stdout.startsWith(tmpdir())).toBe(true);
    expect(existsSync(stdout.trim())).toBe(true);
  });
});
