// Renders per second of typical templates, ours beside Go's in one run: both compile once, then take turns of a fraction of a
// second, and the best turn of each counts, because the machine has other work. One line of JSON. Needs Go.
//   npm run bench:template [-- --turns N]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readFlags } from '../scripts/arguments.ts';
import { compileTemplate } from '../src/core/template/template.ts';
import { Dict } from '../src/core/template/values.ts';

const usage = `usage: npm run bench:template -- [--turns N]   renders of typical templates beside Go's; needs Go
  --turns N   turns of each (5)`;
const flags = readFlags(usage, { turns: { type: 'string', default: '5' } });
const turnMs = 200;

const data = {
  user: 'ada',
  password: 'p@ss<w>ord&1',
  host: 'db.example.com',
  port: '5432',
  registry: 'registry.example.com',
  'api-token': 'a1b2c3d4e5f6a7b8c9d0',
  settings: '{"pool":{"min":1,"max":10},"tls":true,"hosts":["a.example.com","b.example.com"]}',
};

/** As the operator hands it to the texts of one Secret, and ESO to its own: bytes made ready. */
const dict = new Dict(new Map(Object.entries(data)), 'string');

/** What ExternalSecrets mostly do with templates. */
const templates: Readonly<Record<string, string>> = {
  url: 'postgres://{{ .user }}:{{ .password | urlquery }}@{{ .host }}:{{ .port }}/app?sslmode=require',
  configFile: `database:
  host: {{ .host }}
  port: {{ .port }}
  user: {{ .user | quote }}
  password: {{ .password | quote }}
{{- if eq .port "5432" }}
  kind: postgres
{{- else }}
  kind: other
{{- end }}
token: {{ index . "api-token" | trunc 8 | upper }}
`,
  registry:
    '{"auths":{"{{ .registry }}":{"username":"{{ .user }}","password":{{ .password | toJson }},"auth":"{{ printf "%s:%s" .user .password | b64enc }}"}}}',
  environment: '{{ range $key, $value := . }}{{ $key | replace "-" "_" | upper }}={{ $value | squote }}\n{{ end }}',
  settings: `{{ $s := .settings | fromJson }}pool: {{ $s.pool.max }}
hosts: {{ join "," $s.hosts }}
{{ $s | toYaml | indent 2 }}`,
};

interface Rate {
  readonly ours: number;
  readonly go: number;
}

async function main(): Promise<number> {
  const go = startGo();
  const subjects = Object.entries(templates).map(([name, text]) => ({ name, text, render: renderer(text) }));
  const best = new Map<string, Rate>();
  for (const { render } of subjects) rateOf(render); // until it is compiled
  for (let turn = 0; turn < Number(flags.turns); turn++) {
    for (const { name, text, render } of subjects) {
      const theirs = await go.rate(text);
      if (theirs.out !== render().toString()) throw new Error(`${name}: Go writes something else`);
      const { ours, go: before } = best.get(name) ?? { ours: 0, go: 0 };
      best.set(name, { ours: Math.max(ours, rateOf(render)), go: Math.max(before, theirs.rate) });
    }
  }
  go.end();
  const entries = [...best].map(([name, rate]) => [name, { ...rate, ratio: round(rate.go / rate.ours) }] as const);
  const worstRatio = Math.max(...entries.map(([, { ratio }]) => ratio));
  process.stdout.write(`${JSON.stringify({ ...Object.fromEntries(entries), worstRatio })}\n`);
  return worstRatio <= 3 ? 0 : 1;
}

function renderer(text: string): () => Buffer {
  const template = compileTemplate(text, { name: 'key' });
  return () => template.execute(dict, { nowMs: 0, randomBytes: (size) => new Uint8Array(size) });
}

function rateOf(render: () => unknown): number {
  const start = performance.now();
  let count = 0;
  let elapsed = 0;
  for (; elapsed < turnMs; elapsed = performance.now() - start) {
    for (let batch = 0; batch < 50; batch++) render();
    count += 50;
  }
  return Math.round((count / elapsed) * 1000);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function startGo() {
  const cwd = fileURLToPath(new URL('../test/oracle/template', import.meta.url));
  const child = spawn('go', ['run', '.', 'bench'], { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  return {
    /** One turn of Go's. */
    async rate(text: string): Promise<{ readonly out: string; readonly rate: number }> {
      const answer = once(lines, 'line');
      child.stdin.write(`${JSON.stringify({ text, data, turnMs })}\n`);
      const [line] = await answer;
      return JSON.parse(String(line)) as { out: string; rate: number }; // as the oracle writes it
    },
    end: () => child.stdin.end(),
  };
}

process.exitCode = await main();
