// File systems that stand in for the two base images of the Dockerfile, for machines that no registry is in reach of. Both come
// from one debootstrap of the Debian release that the real ones are made from:
//   builder   that Debian, with this checkout's Node and the npm that runs this
//   final     the files of the packages that distroless is put together from, Node at /nodejs/bin/node, user nonroot; no shell
//             https://github.com/GoogleContainerTools/distroless
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const debianRelease = 'bookworm';
/** What distroless' `base`, `cc` and `nodejs` images hold; what these depend on besides is not used at run time. */
const finalPackages = [
  'base-files',
  'ca-certificates',
  'libc6',
  'libgcc-s1',
  'libgomp1',
  'libssl3',
  'libstdc++6',
  'netbase',
  'tzdata',
] as const;
const certificates = 'etc/ssl/certs/ca-certificates.crt';
const notServed = /^\/usr\/(sbin|share\/(bash-completion|doc|lintian|man))\//;
const nonroot = 65_532;
const home = 'home/nonroot';

export interface StandIn {
  /** As in the Dockerfile, with the registry that Docker would ask. */
  readonly image: string;
  readonly folder: string;
  /** Of a Containerfile that copies the folder; what the real image is configured with. */
  readonly config: readonly string[];
}

export interface StandInSources {
  /** An empty or absent folder. */
  readonly folder: string;
  readonly nodeProgram: string;
  /** Folder of the npm package. */
  readonly npm: string;
}

/** Makes both; takes a minute. Throws an Error of one line when debootstrap fails. */
export function makeStandIns({ folder, nodeProgram, npm }: StandInSources): readonly StandIn[] {
  const builder = join(folder, 'builder');
  const final = join(folder, 'final');
  debootstrap(builder);
  copyPackages(builder, final);
  addUsers(final);
  place(nodeProgram, join(final, 'nodejs/bin/node'));
  place(nodeProgram, join(builder, 'usr/local/bin/node'));
  cpSync(npm, join(builder, 'usr/local/lib/node_modules/npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(builder, 'usr/local/bin/npm'));
  // Where the network reads TLS, its authority is among the host's.
  cpSync(`/${certificates}`, join(builder, certificates), { dereference: true });
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return [
    {
      image: 'docker.io/library/node:24-bookworm-slim',
      folder: builder,
      config: [`ENV ${path} NODE_EXTRA_CA_CERTS=/${certificates}`],
    },
    {
      image: 'gcr.io/distroless/nodejs24-debian12:nonroot',
      folder: final,
      config: [`ENV ${path} SSL_CERT_FILE=/${certificates}`, `USER ${nonroot}`, `WORKDIR /${home}`],
    },
  ];
}

function debootstrap(target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  const include = `--include=${finalPackages.join(',')}`;
  const run = spawnSync('debootstrap', ['--variant=minbase', include, debianRelease, target], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`debootstrap failed: ${run.stdout.trim().split('\n').at(-1)}`);
}

/** Copies what dpkg says that the packages consist of. `lib` and its like are links in Debian, and folders here, as in distroless. */
function copyPackages(from: string, to: string): void {
  const listOf = (name: string) => {
    const paths = [name, `${name}:amd64`].map((one) => join(from, 'var/lib/dpkg/info', `${one}.list`));
    return readFileSync(paths.find((path) => existsSync(path)) ?? '', 'utf8').split('\n');
  };
  for (const path of finalPackages.flatMap(listOf)) {
    if (path === '' || notServed.test(path) || isFolder(join(from, path))) continue;
    mkdirSync(dirname(join(to, path)), { recursive: true });
    cpSync(join(from, path), join(to, path), { verbatimSymlinks: true });
  }
  place(join(from, certificates), join(to, certificates)); // made by the package when it is installed
}

function isFolder(path: string): boolean {
  return (
    lstatSync(path, { throwIfNoEntry: false }) === undefined ||
    statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  );
}

function addUsers(root: string): void {
  const write = (path: string, ...lines: string[]) => writeFileSync(join(root, path), `${lines.join('\n')}\n`);
  write(
    'etc/passwd',
    'root:x:0:0:root:/root:/sbin/nologin',
    `nonroot:x:${nonroot}:${nonroot}:nonroot:/${home}:/sbin/nologin`,
  );
  write('etc/group', 'root:x:0:', `nonroot:x:${nonroot}:`);
  write('etc/nsswitch.conf', 'hosts: files dns');
  for (const name of ['tmp', 'root', home]) mkdirSync(join(root, name), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  chownSync(join(root, home), nonroot, nonroot);
}

function place(file: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  cpSync(file, target, { dereference: true });
}
