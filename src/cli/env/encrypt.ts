// `escapement env encrypt` and `decrypt`: the secrets that stand in a document, under a key that the user keeps. Only they are
// rewritten: comments, order and layout stay.
import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { OperatorError } from '../../base/operator-error.ts';
import { decryptWith, keyCipher } from '../../core/esc/cipher.ts';
import { sealCiphertext } from '../../core/esc/ciphertext.ts';
import { decryptDocument, encryptDocument, type Rewritten } from '../../core/esc/encrypt-document.ts';
import { readKeyBytes } from '../../providers/esc/encryption-key.ts';
import { type CommandLine, UsageError } from '../arguments.ts';
import { readKeyFile, readTextFile } from './files.ts';
import { clusterFlags, keyFlags } from './flags.ts';
import { secretKey } from './open.ts';
import { type Call, type Subcommand, unreadableExit, usageExit } from './subcommand.ts';

const inPlace = { kind: 'boolean', short: 'w', help: 'write the file instead of printing it' } as const;
const keys = [
  'The key is 32 bytes: openssl rand -base64 32 > env.key makes one. The Environment names it by spec.encryptionKey.secretRef, a',
  'Secret of its own namespace: kubectl create secret generic env-key --from-file=key=env.key.',
].join('\n');
const exits: CommandLine['exits'] = [
  ['0', 'done'],
  ['1', 'the document is no YAML, or a secret could not be decrypted'],
  usageExit,
  unreadableExit,
];

export const encrypt: Subcommand = {
  line: {
    name: 'env encrypt',
    operands: '[FILE]',
    least: 0,
    most: 1,
    summary: 'encrypts the secrets that stand in a document or manifest, or one text',
    about: [
      'Every `fn::secret: TEXT` of the file becomes `fn::secret: {ciphertext: …}`; what is encrypted already stays. Without a file,',
      'or with -, what comes in is taken. With --text, what comes in is the secret itself, without one line end at its end.',
      '',
      keys,
    ],
    flags: { ...keyFlags, ...clusterFlags, 'in-place': inPlace, text: { kind: 'boolean', help: 'encrypt one text' } },
    exits,
    examples: [
      ['a manifest, before it is committed', 'escapement env encrypt --key-file env.key -w dev.yaml'],
      [
        'one text, with the key of the cluster',
        'pass show db | escapement env encrypt --text -n my-app --key-secret env-key/key',
      ],
    ],
  },
  unreadable: 3,
  async run(call, signal) {
    const cipher = keyCipher(await keyOf(call, signal), randomBytes);
    if (call.args.boolean('text') !== true) {
      return await rewriteFile(call, 'encrypted', (text) => encryptDocument(text, cipher));
    }
    if (call.args.operands.length > 0) throw new UsageError('--text takes no file: the text comes in');
    const text = (await call.desk.readInput()).toString('utf8').replace(/\r?\n$/, '');
    await call.desk.out.write(`fn::secret: {ciphertext: ${sealCiphertext(cipher.encrypt(Buffer.from(text)))}}\n`);
    return 0;
  },
};

export const decrypt: Subcommand = {
  line: {
    name: 'env decrypt',
    operands: '[FILE]',
    least: 0,
    most: 1,
    summary: 'gives back the secrets of a document or manifest that env encrypt encrypted',
    about: [
      'Every `fn::secret: {ciphertext: …}` becomes the text that it holds: to edit it, or to encrypt it with another key.',
      '',
      keys,
    ],
    flags: { ...keyFlags, ...clusterFlags, 'in-place': inPlace },
    exits,
    examples: [
      ['look at it', 'escapement env decrypt --key-file env.key dev.yaml'],
      [
        'change the key',
        'escapement env decrypt --key-file old.key dev.yaml | escapement env encrypt --key-file new.key > dev.new.yaml',
      ],
    ],
  },
  unreadable: 3,
  async run(call, signal) {
    const cipher = decryptWith(await keyOf(call, signal));
    return await rewriteFile(call, 'decrypted', (text) => decryptDocument(text, cipher));
  },
};

async function keyOf({ args, world }: Call, signal: AbortSignal): Promise<Buffer> {
  const file = args.text('key-file');
  const secret = args.text('key-secret');
  if ((file === undefined) === (secret === undefined)) throw new UsageError('give one of --key-file and --key-secret');
  if (file !== undefined) return readKeyFile(file);
  const reference = { namespace: world.namespace, selector: secretKey(secret ?? ''), field: '--key-secret' };
  return await readKeyBytes(reference, world.cluster, signal);
}

async function rewriteFile({ args, desk }: Call, done: string, rewrite: (text: string) => Rewritten): Promise<number> {
  const [path = '-'] = args.operands;
  const text = path === '-' ? (await desk.readInput()).toString('utf8') : readTextFile(path);
  const rewritten = rewrite(text);
  if ('problem' in rewritten) {
    await desk.errors.write(`${path}: error: ${rewritten.problem}\n`);
    return 1;
  }
  if (args.boolean('in-place') !== true) await desk.out.write(rewritten.text);
  else if (path === '-') throw new UsageError('--in-place needs a file');
  else if (rewritten.text !== text) replaceFile(path, rewritten.text);
  await desk.errors.write(`${path}: ${rewritten.count} ${rewritten.count === 1 ? 'secret' : 'secrets'} ${done}\n`);
  return 0;
}

/** All or nothing: a file that is half written would have lost its secrets. */
function replaceFile(path: string, text: string): void {
  const beside = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    writeFileSync(beside, text, { mode: statSync(path).mode & 0o777, flag: 'wx' });
    renameSync(beside, path);
  } catch (thrown) {
    rmSync(beside, { force: true });
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown fault';
    throw new OperatorError('InvalidSpec', `${path}: cannot be written (${code})`);
  }
}
