import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TemplateError } from './errors.ts';
import { defaultLimits, TemplateLimit } from './limits.ts';
import { compileTemplate, type ExecuteOptions } from './template.ts';

const options: ExecuteOptions = { nowMs: 0, randomBytes: (size) => new Uint8Array(size).fill(7) };
const data = { user: 'ada', pass: 's3cret', empty: '', csv: 'a,b,c', uni: 'héllo' };

function render(text: string, values: Readonly<Record<string, string | Uint8Array>> = data): string {
  return compileTemplate(text, { name: 'key' }).execute(values, options).toString();
}

function failure(text: string): unknown {
  try {
    render(text);
  } catch (thrown) {
    return thrown;
  }
  throw new Error('the template rendered');
}

interface Recorded {
  readonly text: string;
  readonly out?: string;
  readonly err?: string;
}

describe.each(['cases', 'dates'])('what Go recorded in %s', (file) => {
  const url = new URL(`./testdata/${file}.json`, import.meta.url);
  const { data: recordedData, cases } = JSON.parse(readFileSync(url, 'utf8')) as {
    readonly data: Readonly<Record<string, string>>;
    readonly cases: readonly Recorded[];
  };

  it.each(cases)('renders $text as Go does', ({ text, out, err }) => {
    let answer: { out?: string; err?: string };
    try {
      const bytes = compileTemplate(text, { name: 'key' }).execute(recordedData, options);
      answer = { out: bytes.toString('base64') };
    } catch (thrown) {
      if (!(thrown instanceof TemplateError)) throw thrown;
      answer = { err: thrown.textWithValues() };
    }
    expect(answer).toEqual(err === undefined ? { out } : { err });
  });
});

describe('messages', () => {
  it('name the place and the keys that there are, and never a value', () => {
    const thrown = failure('line one\n  {{ .pas }}');
    expect(thrown).toBeInstanceOf(TemplateError);
    expect(thrown).toMatchObject({
      stage: 'execute',
      place: { line: 2, column: 5 },
      missingKey: { key: 'pas', known: ['csv', 'empty', 'pass', 'uni', 'user'] },
    });
  });

  it('leave out what Go would quote of a value', () => {
    const thrown = failure('{{ range .pass }}{{ end }}');
    expect(thrown).toMatchObject({
      message: expect.stringContaining("range can't iterate over a value of type string"),
    });
    expect(JSON.stringify(thrown)).not.toContain('s3cret');
  });
});

describe('bytes', () => {
  it('passes bytes that are no text through', () => {
    const bytes = Uint8Array.from([0, 255, 128, 10]);
    expect(compileTemplate('{{ .bin }}', { name: 'k' }).execute({ bin: bytes }, options)).toEqual(Buffer.from(bytes));
  });

  it('takes custom delimiters', () => {
    const template = compileTemplate('{{ .user }} [[ .user ]]', { name: 'k', delimiters: ['[[', ']]'] });
    expect(template.execute(data, options).toString()).toBe('{{ .user }} ada');
  });

  it('prints a missing key when told to', () => {
    expect(compileTemplate('{{ .no }}', { name: 'k', missingKey: 'print' }).execute({}, options).toString()).toBe(
      '<no value>',
    );
  });
});

describe('random values', () => {
  it.each([
    '{{ uuidv4 }}',
    '{{ if true }}{{ randAlpha 3 | upper }}{{ end }}',
    '{{ define "a" }}{{ shuffle "ab" }}{{ end }}',
  ])('make %s volatile', (text) => {
    expect(compileTemplate(text, { name: 'k' }).isVolatile).toBe(true);
  });

  it('are drawn from the given bytes alone', () => {
    expect(compileTemplate('{{ upper .user }}', { name: 'k' }).isVolatile).toBe(false);
    expect(render('{{ randNumeric 4 }} {{ uuidv4 }}')).toBe('7777 07070707-0707-4707-8707-070707070707');
  });
});

describe('bounds', () => {
  const bombs: readonly string[] = [
    '{{ range 100000000 }}x{{ end }}',
    '{{ range 10000 }}{{ range 10000 }}{{ end }}{{ end }}',
    '{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}',
    '{{ range 5000 }}{{ printf "%1000d" 1 }}{{ end }}',
    '{{ $x := "0123456789" }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}',
    '{{ repeat 1000000000 "x" }}',
    '{{ until 1000000000 }}',
    '{{ indent 1000000000 "x" }}',
    '{{ randAlphaNum 1000000000 }}',
    '{{ regexMatch "((a{100}){100}){100}" "a" }}',
    '{{ $x := repeat 4000000 "x" }}{{ range 100000 }}{{ $y := sha512sum $x }}{{ end }}',
    '{{ $x := repeat 4000000 "x" }}{{ range 100000 }}{{ $y := b64dec $x }}{{ end }}',
    '{{ $x := repeat 4000000 "x" }}{{ range 100000 }}{{ $y := urlParse $x }}{{ end }}',
    '{{ $x := repeat 4000000 "x" }}{{ range 100000 }}{{ $y := toDate $x $x }}{{ end }}',
    '{{ $x := repeat 20000 "- " }}{{ range 100000 }}{{ $y := fromYaml $x }}{{ end }}',
    '{{ $x := repeat 20000 "[" }}{{ range 100000 }}{{ $y := fromYaml $x }}{{ end }}',
    '{{ $x := list 1 }}{{ range 40 }}{{ $x = list $x $x }}{{ end }}{{ $x }}',
    '{{ $x := list 1 }}{{ range 40 }}{{ $x = list $x $x }}{{ end }}{{ $y := deepEqual $x $x }}',
    '{{ $x := list 1 }}{{ range 40 }}{{ $x = dict "a" $x "b" $x }}{{ end }}{{ $y := toString $x | len }}',
    '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ print $d }}',
    '{{ regexReplaceAll "" (repeat 100000 "x") (repeat 1000 "y") }}',
    '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ range 100000 }}{{ toJson $d }}{{ end }}',
  ];
  it.each(bombs)('end %s with TemplateLimit', (text) => {
    expect(failure(text)).toBeInstanceOf(TemplateLimit);
  });

  it('stop at the bounds of the caller', () => {
    const template = compileTemplate('{{ .user }}', { name: 'k' });
    const limits = { ...defaultLimits, maxOutputBytes: 2 };
    expect(() => template.execute(data, { ...options, limits })).toThrow(TemplateLimit);
  });

  it('never crash, whatever the text', () => {
    const piece = fc.constantFrom(
      '{{',
      '}}',
      '{{-',
      '-}}',
      ' ',
      '.user',
      '$x',
      ':=',
      '|',
      '(',
      ')',
      '"a"',
      '1',
      'end',
      'if',
      'range',
      'print',
      'index',
      ',',
      'else',
      'with',
      '\n',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          render(pieces.join(' '));
        } catch (thrown) {
          if (!(thrown instanceof TemplateError) && !(thrown instanceof TemplateLimit)) throw thrown;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
