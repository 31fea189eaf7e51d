// `npm run image`: builds the container image for this machine, or says what is missing.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readFlags } from './arguments.ts';
import { run } from './child.ts';

const root = join(import.meta.dirname, '..');
const usage = `usage: npm run image -- [options]   builds the container image for this machine; needs docker with buildx
  --tag NAME        default ghcr.io/escapement/escapement:<version of package.json>
  --platform LIST   for others, as docker buildx writes them: linux/amd64,linux/arm64 (needs --push)
  --push            send it to the registry that the tag names, with provenance and SBOM
  --size            print what the image will weigh, counted from its parts, and build nothing`;
const flags = readFlags(usage, {
  tag: { type: 'string' },
  platform: { type: 'string' },
  push: { type: 'boolean', default: false },
  size: { type: 'boolean', default: false },
});

function version(): string {
  const { version: text } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }; // npm's file
  return text;
}

function tell(problem: string): number {
  process.stderr.write(`${problem}\n`);
  return 1;
}

/**
 * The Debian packages of the base image, Node apart: measured by `npm run image:check` (its size less Node and bundle; gzip level 6).
 * They change by a few KB with Debian's updates.
 */
const basePackages: Weight = { bytes: 24_309_760, compressed: 8_908_001 };

interface Weight {
  readonly bytes: number;
  readonly compressed: number;
}

function weightOf(paths: readonly string[]): Weight {
  const contents = paths.map((path) => readFileSync(path));
  return {
    bytes: contents.reduce((total, content) => total + content.length, 0),
    compressed: contents.reduce((total, content) => total + gzipSync(content).length, 0),
  };
}

/** An estimate to some MB: registries and builders compress in their own ways. */
function size(): number {
  const node = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
  const dist = join(root, 'dist');
  const absent = [dist, node].find((path) => !existsSync(path));
  if (absent !== undefined)
    return tell(`image: no ${relative(root, absent)}; run "npm ci" and "npm run build" on Linux`);
  const bundle = globSync('**/*.mjs', { cwd: dist }).map((file) => join(dist, file));
  const parts = { dist: weightOf(bundle), node: weightOf([node]), 'base packages': basePackages };
  const sum = (key: keyof Weight) => Object.values(parts).reduce((total, part) => total + part[key], 0);
  const line = (name: string, bytes: number, compressed: number) =>
    `${name.padEnd(20)} ${inMegabytes(bytes)}   ${inMegabytes(compressed)} compressed\n`;
  const lines = Object.entries(parts).map(([name, part]) => line(name, part.bytes, part.compressed));
  process.stdout.write([...lines, line('image, about', sum('bytes'), sum('compressed'))].join(''));
  return 0;
}

function inMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1).padStart(6)} MB`;
}

async function build(): Promise<number> {
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
  return run('docker', args);
}

process.exitCode = flags.size ? size() : await build();
