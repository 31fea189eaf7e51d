import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findGo, forecast } from './build.ts';
import { controlPlaneCommands } from './commands.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'control-plane-build-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

async function executable(name: string, script: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

describe('findGo', () => {
  it('names the version to install and the way without Go when there is none', async () => {
    await expect(findGo('1.26.0', [join(directory, 'go')])).rejects.toThrow(/1\.26\.0.*KUBEBUILDER_ASSETS/);
  });

  it('passes over a Go that is too old', async () => {
    const old = await executable('old-go', 'echo go1.19.8');
    await expect(findGo('1.26.0', [old])).rejects.toThrow(/1\.19\.8.*1\.26\.0/);
    const recent = await executable('go', 'echo go1.27rc1');
    expect((await findGo('1.26.0', [old, recent])).command).toBe(recent);
  });
});

describe('the forecast of a build', () => {
  it.each([
    ['begins with a trend', 3, '3 of at most 1000 packages'],
    ['follows the packages done', 100, '100 of at most 1000 packages, some 4 min 30 s left'],
    ['ends with them', 1_000, '1000 of at most 1000 packages, some 0 s left'],
  ])('%s', (_why, done, text) => {
    expect(forecast(done, 1_000, 30_000)).toBe(text);
  });
});

describe('controlPlaneCommands with KUBEBUILDER_ASSETS', () => {
  beforeEach(() => vi.stubEnv('KUBEBUILDER_ASSETS', directory));

  it('takes the programs of that directory, which may lack the controller manager', async () => {
    for (const name of ['etcd', 'kube-apiserver', 'kubectl']) await executable(name, '');
    expect(await controlPlaneCommands(() => {})).toEqual({
      etcd: [join(directory, 'etcd')],
      apiServer: [join(directory, 'kube-apiserver')],
      controllerManager: undefined,
      kubectl: [join(directory, 'kubectl')],
    });
  });

  it('names the program that is missing', async () => {
    for (const name of ['etcd', 'kubectl']) await executable(name, '');
    await expect(controlPlaneCommands(() => {})).rejects.toThrow('"kube-apiserver"');
  });
});
