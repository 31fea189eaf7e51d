// Documents of a given size for bench/esc.ts: an environment that imports another, five deep, with the constructs that people
// write: nested objects, references, interpolation, secrets, overridden defaults, built-in functions and one provider.

export type Documents = Readonly<Record<string, string>>;

/** The root, and as many imports below it, each importing the next. */
const depth = 5;

/** `values` scalars in all, in equal parts over the documents; the root is `env`. */
export function documentsOf(values: number): Documents {
  const names = ['env', ...Array.from({ length: depth }, (_, at) => `base-${at + 1}`)];
  const each = Math.ceil(values / names.length);
  return Object.fromEntries(names.map((name, level) => [name, documentOf(level, names[level + 1], each)]));
}

function documentOf(level: number, imported: string | undefined, values: number): string {
  const lines = imported === undefined ? ['values:'] : ['imports:', `  - ${imported}`, 'values:'];
  for (let left = values, at = 0; left > 0; left -= perService, at++)
    lines.push(...service(level, at, left < perService));
  lines.push(`  opened-${level}:`, '    fn::open::test:', `      region: \${service-${level}-0.host}`);
  return `${lines.join('\n')}\n`;
}

/** Scalars of one service. */
const perService = 12;

/** Every third service overrides one of the level below; a small one has three scalars. */
function service(level: number, at: number, isSmall: boolean): readonly string[] {
  const name = at % 3 === 0 && at > 0 ? `shared-${at}` : `service-${level}-${at}`;
  const small = [
    `  ${name}:`,
    `    host: host-${level}-${at}.example.com`,
    '    password:',
    `      fn::secret: password-${level}-${at}`,
    `    url: https://\${${name}.host}/v1`,
  ];
  if (isSmall) return small;
  return [
    ...small,
    `    port: ${8_000 + at}`,
    '    login:',
    `      user: user-${at}`,
    `      dsn: pg://\${${name}.login.user}:\${${name}.password}@\${${name}.host}:\${${name}.port}/db`,
    '    limits:',
    '      replicas: 3',
    '      memory: 512.5',
    '    tags: [a, b]',
    '    config:',
    '      fn::toJSON:',
    `        url: \${${name}.url}`,
    `        limits: \${${name}.limits}`,
  ];
}
