import { describe, expect, it } from 'vitest';
import { AnswerReader, MalformedAnswer } from './answer-reader.ts';

interface Heard {
  readonly status: number;
  readonly body: string;
  readonly retryAfter?: string;
  readonly mayKeep: boolean;
}

/** What is heard of one answer: all of it, `cut` when the connection ends too early, `malformed`. */
type Outcome = Heard | 'cut' | 'malformed';

const kept = (body: string, status = 200): Heard => ({ status, body, mayKeep: true });
const closing = (body: string, status = 200): Heard => ({ status, body, mayKeep: false });
const ok = 'HTTP/1.1 200 OK\r\n';
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const withLength = (length: string) => `${ok}Content-Length: ${length}\r\n\r\nhello`;
const withField = (field: string) => `${ok}${field}\r\nContent-Length: 5\r\n\r\nhello`;

const framing: readonly [why: string, sent: string, outcome: Outcome][] = [
  ['a length', withLength('5'), kept('hello')],
  ['a length with space around it', withLength(' \t5  '), kept('hello')],
  ['a length of nothing', `${ok}Content-Length: 0\r\n\r\n`, kept('')],
  [
    'bytes that look like the end of a head, in a body',
    `${ok}Content-Length: 8\r\n\r\n\r\n\r\n\r\n\r\n`,
    kept('\r\n\r\n\r\n\r\n'),
  ],
  ['fewer bytes than the length', withLength('6'), 'cut'],
  ['one chunk', `${chunked}5\r\nhello\r\n0\r\n\r\n`, kept('hello')],
  ['chunks', `${chunked}1\r\nh\r\n3\r\nell\r\n001\r\no\r\n000\r\n\r\n`, kept('hello')],
  ['a chunk size in capitals', `${chunked}A\r\n0123456789\r\n0\r\n\r\n`, kept('0123456789')],
  ['chunk extensions', `${chunked}5;a=1;b="x y"\r\nhello\r\n0;last\r\n\r\n`, kept('hello')],
  ['trailers', `${chunked}5\r\nhello\r\n0\r\nExpires: never\r\nContent-Length: 9\r\n\r\n`, kept('hello')],
  ['chunks of line ends', `${chunked}2\r\n\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n`, kept('\r\n\r\n')],
  ['no chunk', `${chunked}0\r\n\r\n`, kept('')],
  ['an end inside a chunk', `${chunked}5\r\nhel`, 'cut'],
  ['an end between chunks', `${chunked}5\r\nhello\r\n`, 'cut'],
  ['an end inside the trailers', `${chunked}5\r\nhello\r\n0\r\nA: b\r\n`, 'cut'],
  ['no length: the body is what comes', `${ok}\r\nhello`, closing('hello')],
  ['no length and no body', `${ok}\r\n`, closing('')],
  ['204, which has no body', 'HTTP/1.1 204 No Content\r\n\r\n', kept('', 204)],
  [
    '304, whose length is that of what it stands for',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
    kept('', 304),
  ],
  [
    'answers that are not the last',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\n\r\n${withLength('5')}`,
    kept('hello'),
  ],
  ['an answer that is not the last, and no other', 'HTTP/1.1 100 Continue\r\n\r\n', 'cut'],
  ['an end inside the head', `${ok}Content-Le`, 'cut'],
  ['nothing at all', '', 'cut'],
  ['no reason phrase', 'HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello', kept('hello')],
  ['names in any case', `${ok}cONTENT-lENGTH: 5\r\nRETRY-after: 7\r\n\r\nhello`, { ...kept('hello'), retryAfter: '7' }],
  [
    'a date to come back at',
    withField('Retry-After:  Wed, 21 Oct 2015 07:28:00 GMT '),
    { ...kept('hello'), retryAfter: 'Wed, 21 Oct 2015 07:28:00 GMT' },
  ],
  ['an encoding in capitals', `${ok}Transfer-Encoding: Chunked \r\n\r\n5\r\nhello\r\n0\r\n\r\n`, kept('hello')],
  ['Connection: close', withField('Connection: Close'), closing('hello')],
  ['close among other options', withField('Connection: x-y, close'), closing('hello')],
  ['close in a second line', withField('Connection: keep-alive\r\nConnection: close'), closing('hello')],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello', closing('hello')],
  ['HTTP/1.0 that stays', 'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\nhello', kept('hello')],
  [
    'HTTP/1.0 with chunks, which it does not know',
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    closing(''),
  ],
  ['the same length twice', withLength('5\r\nContent-Length: 5'), kept('hello')],
  [
    'chunks and a length: the chunks count',
    `${ok}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    closing('hello'),
  ],
  ['UTF-8 of two, three and four bytes', `${ok}Content-Length: 9\r\n\r\né€😀`, kept('é€😀')],
  ['UTF-8 over chunks', `${chunked}2\r\né\r\n4\r\n😀\r\n0\r\n\r\n`, kept('é😀')],
  ['bytes above ASCII in a header', withField('X-Name: J\xfcrgen'), kept('hello')],
  ['an empty header', withField('X-Empty:'), kept('hello')],
];

const malformed: readonly [why: string, sent: string][] = [
  ['a negative length', withLength('-5')],
  ['a signed length', withLength('+5')],
  ['a length in hexadecimal', withLength('0x5')],
  ['a length with a fraction', withLength('5.0')],
  ['a length that is none', withLength('')],
  ['a length larger than can be counted', withLength('9007199254740993')],
  ['lengths in a list', withLength('5, 5')],
  ['a length behind a no-break space, which is none to HTTP', withLength('\xa05')],
  ['two lengths that differ', withLength('5\r\nContent-Length: 6')],
  ['an unknown encoding', `${ok}Transfer-Encoding: gzip\r\n\r\nhello`],
  ['chunks of an unknown encoding', `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ['chunks inside chunks', `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['a folded line', withField('X-Folded: a\r\n b')],
  ['a line without a colon', withField('X-None')],
  ['a line without a name', withField(': x')],
  ['a space before the colon', withField('X-Y : z')],
  ['a space in a name', withField('X Y: z')],
  ['a bare LF that hides a length', withField('X-Y: z\nContent-Length: 3')],
  ['a bare LF at the end of a line', withField('X-Y: z\n')],
  ['a bare CR', withField('X-Y: a\rb')],
  ['a NUL', withField('X-Y: a\0b')],
  ['a bare LF in the status line', `HTTP/1.1 200 O\nK\r\nContent-Length: 5\r\n\r\nhello`],
  ['a chunk without a size', `${chunked}\r\nhello\r\n0\r\n\r\n`],
  ['a chunk size that is no number', `${chunked}5x\r\nhello\r\n0\r\n\r\n`],
  ['a negative chunk size', `${chunked}-5\r\nhello\r\n0\r\n\r\n`],
  ['a chunk size with a prefix', `${chunked}0x5\r\nhello\r\n0\r\n\r\n`],
  ['a chunk size behind a space', `${chunked} 5\r\nhello\r\n0\r\n\r\n`],
  ['a chunk size before a space', `${chunked}5 \r\nhello\r\n0\r\n\r\n`],
  ['a chunk size larger than can be counted', `${chunked}fffffffffffff\r\nhello\r\n0\r\n\r\n`],
  ['a bare LF behind a chunk extension', `${chunked}5;a\nhello\r\n0\r\n\r\n`],
  ['a chunk longer than its size', `${chunked}4\r\nhello\r\n0\r\n\r\n`],
  ['a trailer that is none', `${chunked}0\r\nhello\r\n\r\n`],
  ['a trailer with a bare LF', `${chunked}0\r\nA: b\nhello\r\n\r\n`],
  ['bytes behind the length', `${withLength('5')}!`],
  ['an answer behind the answer', `${withLength('5')}${withLength('5')}`],
  ['bytes behind the last chunk', `${chunked}0\r\n\r\n\r\n`],
  ['a body where none may be', 'HTTP/1.1 204 No Content\r\n\r\nhello'],
  ['another protocol from here on', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n'],
  ['an answer that is not the last, of HTTP/1.0, which has none', `HTTP/1.0 100 Continue\r\n\r\n${withLength('5')}`],
  ['HTTP/2', 'HTTP/2 200\r\n\r\n'],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['a status beyond all classes', 'HTTP/1.1 600 Odd\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
  ['HTML', '<!DOCTYPE html>'],
  ['an alert of TLS', '\x15\x03\x03\x00\x02\x02\x46'],
  ['a frame of HTTP/2', '\x00\x00\x12\x04\x00\x00\x00\x00\x00'],
  ['an empty line first', `\r\n${withLength('5')}`],
];

describe('AnswerReader', () => {
  it.each(framing)('reads %s, wherever the pieces part', (_why, sent, outcome) => {
    expect(outcomes(sent)).toEqual([outcome]);
  });

  it.each(malformed)('refuses %s, wherever the pieces part', (_why, sent) => {
    expect(outcomes(sent)).toEqual(['malformed']);
  });

  it('takes a head and a line of the largest size, and none that is larger', () => {
    const head = (bytes: number) => `${ok}X-Pad: ${'p'.repeat(bytes - ok.length - 7)}\r\n\r\n`;
    const line = (bytes: number) => `${chunked}0;${'p'.repeat(bytes - 2)}\r\n\r\n`;
    const ends = [1, 2, 3, 4, 5, 6].map((fromEnd) => -fromEnd);
    const at = (sent: string) => distinct([[sent], ...ends.map((cut) => [sent.slice(0, cut), sent.slice(cut)])]);
    expect(at(head(65_536))).toEqual([closing('')]);
    expect(at(head(65_537))).toEqual(['malformed']);
    expect(at(line(16_384))).toEqual([kept('')]);
    expect(at(line(16_385))).toEqual(['malformed']);
  });

  it('gives up on a head, a line and trailers that do not end', () => {
    const endless = (start: string) => [start, ...Array.from({ length: 80 }, () => 'x'.repeat(1_024))];
    expect(hear(endless(`${ok}X-Pad: `))).toBe('malformed');
    expect(hear(endless(`${chunked}5;`))).toBe('malformed');
    expect(hear(endless(`${chunked}0\r\nX-Pad: `))).toBe('malformed');
  });

  it('reads one answer after the other, and remembers nothing of the last', () => {
    const reader = new AnswerReader();
    const answers = [withField('Connection: close'), `${chunked}5\r\nhel`, withLength('5'), withLength('6')];
    expect(answers.map((sent) => hear([sent], reader))).toEqual([closing('hello'), 'cut', kept('hello'), 'cut']);
  });

  it('lets out what a handler throws', () => {
    const reader = new AnswerReader();
    const refuse = () => {
      throw new RangeError('too much');
    };
    expect(() => reader.push(bytesOf(withLength('5')), { head: () => {}, piece: refuse })).toThrow(RangeError);
  });

  it('quotes nothing of what it refuses', () => {
    for (const [, sent] of malformed) {
      const push = () => new AnswerReader().push(bytesOf(sent.replaceAll('hello', 'canary')), silent);
      expect(push).toThrow(expect.objectContaining({ message: expect.not.stringMatching(/canary|X-|html|5/i) }));
    }
  });
});

const silent = { head: () => {}, piece: () => {} };

/** What is heard of it whole, byte by byte and cut in two at every place; one outcome when it is always the same. */
function outcomes(sent: string): Outcome[] {
  const bytes = bytesOf(sent);
  const halves = Array.from(bytes, (_byte, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  return distinct([[bytes], Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1)), ...halves]);
}

function distinct(ways: readonly (readonly (string | Buffer)[])[]): Outcome[] {
  const found = new Set(ways.map((pieces) => JSON.stringify(hear(pieces))));
  return [...found].map((text) => JSON.parse(text));
}

/** Gives the reader the pieces, then the end of the connection. Each piece is wiped after the call, as in use. */
function hear(pieces: readonly (string | Buffer)[], reader = new AnswerReader()): Outcome {
  const body: Buffer[] = [];
  let heard: { status: number; retryAfter?: string } | undefined;
  reader.begin();
  try {
    for (const piece of pieces) {
      const lent = Buffer.from(typeof piece === 'string' ? bytesOf(piece) : piece);
      reader.push(lent, {
        head: ({ status, retryAfter }) => {
          if (heard !== undefined) throw new Error('two heads');
          heard = retryAfter === undefined ? { status } : { status, retryAfter };
        },
        piece: (bytes) => body.push(Buffer.from(bytes)),
      });
      lent.fill('?');
    }
  } catch (thrown) {
    if (thrown instanceof MalformedAnswer) return 'malformed';
    throw thrown;
  }
  if (!(reader.isDone || reader.end()) || heard === undefined) return 'cut';
  return { ...heard, body: Buffer.concat(body).toString('utf8'), mayKeep: reader.mayKeep };
}

/** Texts of these tests hold bytes where they can (latin1), and characters beyond in their bodies (UTF-8). */
function bytesOf(sent: string): Buffer {
  const bodyAt = sent.indexOf('\r\n\r\n');
  if (bodyAt < 0) return Buffer.from(sent, 'latin1');
  return Buffer.concat([Buffer.from(sent.slice(0, bodyAt), 'latin1'), Buffer.from(sent.slice(bodyAt), 'utf8')]);
}
