// A copy of the chart that differs in what a test wants to be different: the version before, CRDs as they were.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chartFolder } from './rendered-chart.ts';

export interface ChartCopy {
  readonly folder: string;
  remove(): Promise<void>;
}

/** The chart under another version, its CRDs changed by `changeCrd`, which gets their YAML. */
export async function copyChart(
  version: string,
  changeCrd: (yaml: string) => string = (yaml) => yaml,
): Promise<ChartCopy> {
  const workspace = await mkdtemp(join(tmpdir(), 'escapement-chart-'));
  const folder = join(workspace, 'escapement');
  await cp(chartFolder, folder, { recursive: true });
  const edit = async (path: string, change: (text: string) => string) =>
    writeFile(path, change(await readFile(path, 'utf8')));
  await edit(join(folder, 'Chart.yaml'), (text) => text.replace(/^version: .*$/m, `version: ${version}`));
  const crds = join(folder, 'files', 'crds');
  for (const name of await readdir(crds)) await edit(join(crds, name), changeCrd);
  return { folder, remove: () => rm(workspace, { recursive: true, force: true }) };
}
