// `npm run image`: builds the container image for this machine, or says what is missing.
//   --tag NAME        default ghcr.io/escapement/escapement:<version of package.json>
//   --platform LIST   for others, as docker buildx writes them: linux/amd64,linux/arm64 (needs --push)
//   --push            sends it to the registry that the tag names, with provenance and SBOM
//   --size            prints the size of what goes into the image besides its base, and builds nothing
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';

const root = join(import.meta.dirname, '..');
const { values: flags } = parseArgs({
  options: {
    tag: { type: 'string' },
    platform: { type: 'string' },
    push: { type: 'boolean', default: false },
    size: { type: 'boolean', default: false },
  },
});

function version(): string {
  const { version: text } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }; // npm's file
  return text;
}

function tell(problem: string): number {
  process.stderr.write(`${problem}\n`);
  return 1;
}

function size(): number {
  const bundle = join(root, 'dist', 'escapement.mjs');
  const kib = (bytes: number) => Math.round(bytes / 1_024);
  process.stdout.write(
    `dist/escapement.mjs: ${kib(statSync(bundle).size)} KiB, ${kib(gzipSync(readFileSync(bundle)).length)} KiB compressed\n`,
  );
  return 0;
}

function build(): number {
  if (spawnSync('docker', ['--version'], { stdio: 'ignore' }).status !== 0) {
    return tell('image: docker is not installed; it is needed with buildx: https://docs.docker.com/engine/install/');
  }
  if (spawnSync('docker', ['info'], { stdio: 'ignore' }).status !== 0) {
    return tell('image: the docker daemon does not answer: start it, or set DOCKER_HOST to one that does');
  }
  if (flags.platform?.includes(',') === true && !flags.push) {
    return tell('image: several platforms make a list of images, which only a registry can hold: add --push');
  }
  const tag = flags.tag ?? `ghcr.io/escapement/escapement:${version()}`;
  const args = [
    'buildx',
    'build',
    `--tag=${tag}`,
    ...(flags.platform === undefined ? [] : [`--platform=${flags.platform}`]),
    ...(flags.push ? ['--push', '--provenance=mode=max', '--sbom=true'] : ['--load']),
    root,
  ];
  return spawnSync('docker', args, { stdio: 'inherit' }).status ?? 1;
}

process.exitCode = flags.size ? size() : build();
