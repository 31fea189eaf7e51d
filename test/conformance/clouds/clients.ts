// The doubles under the eyes of the clouds' own clients: what those read there is what lies there, and what they do not read fails
// as their clouds would let it fail. A double that only our client understands proves nothing.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Facts } from './contract.ts';
import type { CloudDoubles } from './doubles.ts';
import type { CloudName } from './providers.ts';

/** What a client says of each thing that it was told to read. */
type Said = Readonly<Record<string, string | RegExp>>;

const failed = (code: string) => `failed: ${code}`;

/** By what main.go of test/cloud-clients calls it. */
const expected: Readonly<Record<Exclude<CloudName, 'pulumi'>, (facts: Facts) => Said>> = {
  aws: (at) => ({
    secret: textOf(at, 'secretText'),
    bytes: textOf(at, 'bytesBase64'),
    absent: failed('ResourceNotFoundException'),
    hidden: failed('AccessDeniedException'),
    'another key': failed('InvalidSignatureException'),
    ended: failed('ExpiredTokenException'),
    'by a role': textOf(at, 'secretText'),
    'by a stranger': failed('AccessDenied'),
    parameters: `${at['parameter']}:1 String ${at['parameterText']}; ${at['listParameter']} StringList ${at['listText']}; ${at['sealedParameter']} SecureString ${at['sealedText']}; none`,
  }),
  gcp: (at) => ({
    secret: textOf(at, 'secretText'),
    first: textOf(at, 'firstText'),
    absent: failed('404'),
    hidden: failed('403'),
    disabled: failed('400'),
    'another token': failed('401'),
    'by a pool': textOf(at, 'secretText'),
    'by a stranger': /^failed: .*unauthorized_client/,
  }),
  azure: (at) => ({
    secret: textOf(at, 'secretText'),
    version: textOf(at, 'versionText'),
    absent: failed('SecretNotFound'),
    hidden: failed('Forbidden'),
    disabled: failed('Forbidden'),
    'by a token': textOf(at, 'secretText'),
    'by a stranger': /^failed: .*AADSTS700213/,
  }),
  '1password': (at) => ({
    'by names': textOf(at, 'fieldText'),
    'by ids': textOf(at, 'fieldText'),
    absent: /^failed: Found 0 item/,
    hidden: /^failed: status 403/,
    'another token': /^failed: status 401/,
  }),
  github: () => ({
    installation: '1',
    token: /^ghs_/,
    lasts: 'true',
    absent: /^failed: .*404 Not Found/,
  }),
};

export interface ClientVerdict {
  readonly cloud: string;
  readonly what: string;
  /** Undefined where the client said what was expected. */
  readonly difference: string | undefined;
}

/** Lets the program read from the doubles. Throws when it does not end well. */
export async function readByClients(
  program: string,
  { targets, env }: CloudDoubles,
): Promise<readonly ClientVerdict[]> {
  const clouds = Object.entries(expected).map(([name, saidOf]) => {
    const { facts } = targets[name as CloudName]; // a key of the table above
    return { name, facts, said: saidOf(facts) };
  });
  const input = JSON.stringify(Object.fromEntries(clouds.map(({ name, facts }) => [name, facts])));
  const answer: unknown = JSON.parse(await run(program, input, env));
  return clouds.flatMap(({ name, said }) =>
    Object.entries(said).map(([what, wanted]) => {
      const got = String(Object(Object(answer)[name])[what]);
      const isSame = typeof wanted === 'string' ? got === wanted : wanted.test(got);
      return { cloud: name, what, difference: isSame ? undefined : `${got}, not ${String(wanted)}` };
    }),
  );
}

async function run(program: string, input: string, env: CloudDoubles['env']): Promise<string> {
  const { HTTPS_PROXY, NODE_EXTRA_CA_CERTS } = env;
  const child = spawn(program, {
    env: { HTTPS_PROXY, SSL_CERT_FILE: NODE_EXTRA_CA_CERTS, HOME: '/nonexistent', PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve, reject) => child.on('exit', resolve).on('error', reject));
  child.stdin.end(input);
  const [output, code] = await Promise.all([text(child.stdout), ended]);
  if (code !== 0) throw new Error(`the clients ended with ${code}`);
  return output;
}

function textOf(facts: Facts, name: string): string {
  return facts[name] ?? '';
}
