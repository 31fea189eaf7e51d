import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Stopwatch, threadMs } from '../../test/support/thread-time.ts';
import { fieldsLeftOut } from '../base/left-out.ts';
import { parseEnvelope, parseObject, readList } from './bounded-json.ts';

/** More than is looked at only once. */
const filler = 'x'.repeat(40_000);
/** Of an object that fills what etcd takes. */
const wideMembers = 150_000;
const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [at.toString(36), '']));
const wide = members(wideMembers);

const jsonObject = fc.dictionary(
  fc.oneof(fc.string(), fc.constantFrom('metadata', 'spec', 'items', 'data', '__proto__', '"', '\\', '{', ',')),
  fc.jsonValue(),
);
/** Between the words of the text, where JSON allows it. */
const spaces = fc.constantFrom('', ' ', '\n\t', '\r\n');

function spaced(value: unknown, space: string): string {
  const text = JSON.stringify(value, null, 1);
  return `${space}${text.replaceAll(/^\s+/gm, space)}${space}`;
}

describe('an object', () => {
  it('is what JSON.parse makes of it, however it is written, as long as it is narrow', () => {
    fc.assert(
      fc.property(jsonObject, jsonObject, spaces, (metadata, rest, space) => {
        const text = spaced({ ...rest, filler, metadata }, space);
        expect(parseObject(text)).toStrictEqual(JSON.parse(text));
        expect(fieldsLeftOut(parseObject(text))).toEqual([]);
      }),
    );
  });

  it.each<[left: string, object: object, rest: object]>([
    ['data', { data: wide, type: 'a' }, { type: 'a' }],
    ['spec', { metadata: { name: 'a' }, spec: { values: wide } }, { metadata: { name: 'a' } }],
    ['spec', { spec: { list: [Array.from({ length: wideMembers }, () => 1)] }, kind: 'A' }, { kind: 'A' }],
    ['metadata.labels', { metadata: { labels: members(6_000), name: 'a' } }, { metadata: { name: 'a' } }],
    ['metadata.annotations', { metadata: { name: 'a', annotations: wide } }, { metadata: { name: 'a' } }],
    ['metadata.finalizers', { metadata: { finalizers: Object.keys(wide) } }, { metadata: {} }],
  ])('goes without %s where that is wide, and says so', (field, object, rest) => {
    const read = parseObject(JSON.stringify(object));
    expect(fieldsLeftOut(read)).toEqual([field]);
    expect(JSON.parse(JSON.stringify(read))).toEqual(rest);
  });

  it('goes without the widest fields where all together are too much', () => {
    const object = { metadata: { managedFields: [members(12_000)], name: 'a' }, data: members(9_000), type: 'a' };
    const read = parseObject(JSON.stringify(object));
    expect(fieldsLeftOut(read)).toEqual(['metadata.managedFields']);
    expect(read).toMatchObject({ metadata: { name: 'a' }, data: object.data, type: 'a' });
  });

  it('keeps saying so in a copy', () => {
    expect(fieldsLeftOut({ ...Object(parseObject(JSON.stringify({ data: wide }))) })).toEqual(['data']);
  });

  it.each([
    ['of keys', { data: wide }],
    ['of labels', { metadata: { labels: wide } }],
    ['of items', { spec: Array.from({ length: 600_000 }, () => 1) }],
    ['of quotes', { data: { a: '"'.repeat(700_000) } }],
    ['of backslashes', { data: { a: '\\'.repeat(700_000) } }],
    ['of brackets', { data: Array.from({ length: 400_000 }, () => []) }],
  ])('leaves the loop free: as large as may be, %s', (_, object) => {
    const text = JSON.stringify({ type: 'ADDED', object });
    const startMs = threadMs();
    parseEnvelope(text);
    expect(threadMs() - startMs).toBeLessThan(50);
  });

  it.each(['{"a":', `{"a":"${filler}`, `{"a":"${filler}",}`, `{"a":"${filler}"`, `[${filler}]`, `{${filler}}`, filler])(
    'is none as %.20s',
    (text) => {
      expect(() => parseObject(text)).toThrow(SyntaxError);
    },
  );
});

describe('an event', () => {
  it('is what JSON.parse makes of it, as long as its object is narrow', () => {
    fc.assert(
      fc.property(jsonObject, spaces, (object, space) => {
        const text = spaced({ type: 'ADDED', object: { ...object, filler } }, space);
        expect(parseEnvelope(text)).toStrictEqual(JSON.parse(text));
      }),
    );
  });

  it('has an object that says what it lacks', () => {
    const { object } = Object(parseEnvelope(JSON.stringify({ type: 'ADDED', object: { kind: 'A', data: wide } })));
    expect([object, fieldsLeftOut(object)]).toEqual([{ ...object, kind: 'A' }, ['data']]);
  });
});

describe('a list', () => {
  const read = async (text: string) => {
    const items: unknown[] = [];
    const rest = await readList(
      text,
      (item) => items.push(item),
      async () => {},
    );
    return { ...rest, items };
  };

  it('is what JSON.parse makes of it, with its items before or behind the rest', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(jsonObject),
        jsonObject,
        spaces,
        fc.boolean(),
        async (items, metadata, space, isFirst) => {
          const list = isFirst ? { items, metadata, kind: 'L' } : { kind: 'L', metadata, items };
          expect(await read(spaced(list, space))).toEqual(JSON.parse(JSON.stringify(list)));
        },
      ),
    );
  });

  it.each([
    ['{"items":null}', { items: [] }],
    ['{}', { items: [] }],
    ['{"items":[]}', { items: [] }],
  ])('may be empty: %s', async (text, expected) => expect(await read(text)).toMatchObject(expected));

  it('leaves the loop free, however large it is', async () => {
    const item = {
      metadata: { name: 'a', labels: { a: 'b' } },
      spec: { data: Array.from({ length: 20 }, () => ({ a: 'b' })) },
    };
    const items = [...Array.from({ length: 20_000 }, () => item), ...Array.from({ length: 8 }, () => ({ data: wide }))];
    const text = JSON.stringify({ items, metadata: {} });
    const stopwatch = new Stopwatch();
    let seen = 0;
    await readList(text, () => void seen++, stopwatch.turn);
    expect(seen).toBe(items.length);
    expect(stopwatch.longestMs).toBeLessThan(50);
  });

  it.each(['', '[]', '{"items":[1', '{"items":[1,,2]}', '{"items":[1 2]}', '{"items"'])(
    'is none as %s',
    async (text) => {
      await expect(read(text)).rejects.toThrow(SyntaxError);
    },
  );

  it('ends with what the handler throws', async () => {
    const fault = new Error('mine');
    const refuse = () => {
      throw fault;
    };
    await expect(readList('{"items":[1]}', refuse)).rejects.toBe(fault);
  });
});
