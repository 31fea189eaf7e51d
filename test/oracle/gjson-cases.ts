// Documents and paths for the gjson table: written ones for each rule of the syntax, generated ones for what nobody thinks of.
import { type Random, seededRandom } from './random.ts';

export interface GjsonTable {
  readonly documents: readonly string[];
  readonly cases: readonly (readonly [document: number, path: string])[];
}

const fleet = `{
  "ship": {"name": "Heron", "crew": 12, "tons": 1.50, "big": 12345678901234567890123, "tiny": 1e-9, "exp": 1e5, "neg": -0.0},
  "ports": ["Bergen", "Leith", "Oslo"],
  "a.b": "dotted", "st*r": "star", "pi|pe": "pipe", "#": "hash", "@this": "at", "": "empty key", "0": "zero", "qu?": "mark",
  "__proto__": "p", "constructor": "c", "back\\\\slash": "bs", "uni\\u0041": "uA", "h\\u00e9": "acute", "😀": "face",
  "legs": [
    {"from": "Bergen", "to": "Leith", "miles": 310, "done": true, "tags": ["a", "b"], "log": {"d": 1}},
    {"from": "Leith", "to": "Oslo", "miles": 520.5, "done": false, "tags": [], "log": null},
    {"from": "Oslo", "to": "Bergen", "miles": "far", "done": "T", "tags": ["c"], "extra": {"from": "x"}}
  ],
  "dup": "first", "dup": "second", "dupo": {"x": 1}, "dupo": {"y": 2},
  "nul": null, "yes": true, "no": false, "empty": "", "eo": {}, "ea": [],
  "esc": "q\\" b\\\\ n\\n \\u00e9 \\ud83d\\ude00 \\ud800 \\udc00x \\ud800\\u0041 \\/ \\t",
  "html": "<b>&\\u2028</b>", "json": "{\\"in\\":{\\"er\\":[1,2]}}", "nums": [1, 2.0, 3e2, -4, 10, 9], "mixed": [1, "1", true, null, {"a": 1}, [1]],
  "deep": {"a": {"b": {"c": {"d": "end"}}}}, "nest": [[1, [2, [3, {"k": "v"}]]], [], [4]],
  "cols": {"id": [1, 2, 3], "n": ["x", "y"], "z": 5}
}`;

const lines = '{"n":"a","v":1}\n{"n":"b","v":2}\n\n{"n":"c","v":[1,2]}\n';

const writtenPaths: readonly string[] = [
  'ship', 'ship.name', 'ship.crew', 'ship.tons', 'ship.big', 'ship.tiny', 'ship.exp', 'ship.neg', 'ship.none', 'ship.name.x',
  'ports', 'ports.0', 'ports.2', 'ports.3', 'ports.-1', 'ports.#', 'ports.00', 'ports.x', 'ports.1.x', 'ports.99999999999999999999',
  'a.b', 'a\\.b', 'st*r', 'st\\*r', 'st?r', 's*', '*', '?', '*.name', 'sh?p.n*e', 'pi|pe', 'pi\\|pe', '#', '\\#', '@this', '\\@this', '',
  '0', 'qu?', 'qu\\?', '__proto__', 'constructor', '__proto__.x', 'toString', 'back\\\\slash', 'uniA', 'hé', 'h?', '😀', '?.x', 'legs.#',
  'legs.#.from', 'legs.#.nothing', 'legs.#.tags', 'legs.#.tags.#', 'legs.#.tags.0', 'legs.#.log.d', 'legs.#.extra.from', 'legs.0.tags.1',
  'legs.#(from=="Leith")', 'legs.#(from=="Leith").to', 'legs.#(from=Leith).to', "legs.#(from=='Leith').to", 'legs.#[from="Leith"].to',
  'legs.#(miles>100).to', 'legs.#(miles>100)#.to', 'legs.#(miles>=520.5)#.to', 'legs.#(miles<400)#.to', 'legs.#(miles<=310)#.to',
  'legs.#(miles!=310)#.to', 'legs.#(done==true)#.to', 'legs.#(done!=true)#.to', 'legs.#(done==~true)#.to', 'legs.#(done==~false)#.to',
  'legs.#(log==~null)#.to', 'legs.#(log==~*)#.to', 'legs.#(log!=~*)#.to', 'legs.#(log==~what)#.to', 'legs.#(done>false)#.to',
  'legs.#(done<true)#.to', 'legs.#(done>=false)#.to', 'legs.#(done<=true)#.to', 'legs.#(from%"B*").to', 'legs.#(from!%"B*")#.to',
  'legs.#(from%"?s*")#.to', 'legs.#(from>"Bergen")#.to', 'legs.#(from<="Leith")#.to', 'legs.#(tags.#>0)#.to', 'legs.#(tags.0=="c").to',
  'legs.#(tags.#(=="b")).to', 'legs.#(tags.#(=="b"))#.from', 'legs.#(extra)#.to', 'legs.#(log.d=1).to', 'legs.#()#', 'legs.#(nothing)',
  'legs.#(nothing)#', 'legs.#(nothing)#|#', 'legs.#(nothing)#.to|@keys', 'legs.#(', 'legs.#(from', 'legs.#(from=="Le"x").to', 'legs.#(=)',
  'legs.#(!)', 'legs.#(from!x)', 'legs.#(from=="B\\"")', 'legs.#(from=="\\u0042ergen").to', 'legs.#( from == "Oslo" ).to', 'legs.#(from=="Oslo")x',
  'ports.#(=="Leith")', 'ports.#(=="Leith")#', 'ports.#(!="Leith")#', 'ports.#(%"*s*")#', 'ports.#(>"B")#|#', 'nums.#(>2)', 'nums.#(>2)#',
  'nums.#(==2)', 'nums.#(==3e2)', 'nums.#(>"2")#', 'nums.#(>=9)#|@reverse', 'mixed.#(==1)#', 'mixed.#(=="1")#', 'mixed.#(==true)#', 'mixed.#()#',
  'mixed.#(a=1)#', 'mixed.#(a)', 'mixed.#', 'mixed.#.a', 'dup', 'dupo.x', 'dupo.y', 'nul', 'nul.x', 'yes', 'no', 'empty', 'eo', 'eo.x', 'ea',
  'ea.0', 'ea.#', 'ea.#.x', 'ea.#(x)#', 'esc', 'html', 'json', 'deep.a.b.c.d', 'deep.*.*.*.d', 'd*.a', 'nest.0.1.1.1.k', 'nest.#.0', 'nest.#.#',
  'nest.#.1.0', 'ports|0', 'ports|#', 'legs|0|from', 'legs.#.from|0', 'legs.#.from.0', 'legs.#(miles>1)#|0', 'legs.#(miles>1)#.to|1',
  'legs.#.tags|#', 'legs.#.tags|@flatten', 'nothing|@keys', 'nothing|@this', 'nothing|x', 'ship|', 'ship.', '.ship', 'ship..name', '|ship',
  'ship|@keys', 'ship.@keys', 'ship.@values', 'ship|@reverse', 'ports|@reverse', 'ports.@reverse.0', '@reverse', '@this|ship.name', '@this.ship',
  '@keys', '@values', '@values|0|name', '@ugly', '@pretty', '@valid', '@valid|ship.crew', 'ship|@pretty', 'ship|@ugly', 'ports|@pretty',
  'legs|@pretty:{"sortKeys":true}', 'legs|@pretty:{"indent":"\\t","width":20}', 'ship|@pretty:{"prefix":"  ","width":0}',
  'nums|@pretty:{"width":10}', 'cols|@pretty:{"width":-1}', 'mixed|@pretty:{"width":12,"indent":""}', '@pretty:{"sortKeys":true,"indent":" x "}',
  'nest|@flatten', 'nest|@flatten:{"deep":true}', 'nest|@flatten:{"deep":false}', 'ports|@flatten', 'ship|@flatten', 'ea|@flatten',
  'legs|@join', 'legs|@join:{"preserve":true}', 'ports|@join', 'ship|@join', 'mixed|@join', 'cols|@group', 'ship|@group', 'ports|@group',
  'ship|@tostr', 'esc|@tostr', 'html|@tostr', 'nul|@tostr', 'ship.crew|@tostr', 'json|@fromstr', 'json|@fromstr|in.er.1', 'ship|@fromstr',
  'empty|@fromstr', 'ship.crew|@fromstr', 'ship|@tostr|@fromstr|crew', '@dig:from', '@dig:k', '@dig:d|#', 'legs|@dig:tags.0', 'ship.crew|@dig:@this',
  'ship.crew|@keys', 'ship.name|@values', 'nul|@keys', 'nul|@values', '@nosuch', 'ship|@nosuch', 'ship.@nosuch', '@', '@keys:', '@keys:x', '@keys:x|0',
  '@this:{"a":"|"}|ship.name', '@this:"x|y"|ports.0', '@this:[1,2]|ports.0', '@this:(a|b)|ports.1', '@keysx', '@keys]',
  '{ship.name,ports.0}', '{"a":ship.name,"b":ports.#}', '{a:ship.name,b:nothing}', '{ship.name,ship.name}', '[ship.name,ports.0]', '[nothing]', '[]', '{}',
  '[ship.name,nothing,yes]', '{legs.#.from,legs.#(miles>100)#.to}', '{"x":legs.#(from=="Leith").to}', '[ports|@reverse,ship|@keys]', '{ports|@reverse}',
  '{ship.name,ports}|ports.1', '{ship.name,ports}.ports.1', '[ship.name,ports]|1|0', '{ship.name', '[ship.name', '{ship.name}x', '{"a.b":a\\.b}',
  '{a\\.b}', '{"k\\u0041":yes}', '{"bad:yes}', '{:yes}', '[[ship.name],[ports.0]]', '{"o":{"i":ship.name}}', '[!"lit",!1,!true]', 'ship.{name,crew}',
  'ship.[name,crew]', 'ship|{name,crew}|crew', 'legs.#.{from,to}', 'legs.#.[from,miles]', 'legs.#.{"f":from}|1.f', 'legs.0.{from,"t":tags.0}',
  '{"v":@this.ship.crew,"p":ports.@reverse:{"a":1}}', '{nul,empty,ea}', '!true', '!false', '!null', '!nan', '!inf', '!"x"', '!"x".y', '!5', '!5|x', '!{"a":1}|a',
  '![1,2]|1', '!x', '!', '!true.x', '!TRUE', '..#', '..0.n', '..1', '..#.n', '..#(v=2).n', '..', '...', '..x', '..#.ship.name', '..0.ship.name', '..0',
  'ship.name|@this|@this', 'legs.#.tags.@reverse', 'legs.0.@keys.#', 'legs.#.log|@this', 'legs.#(done==true)#.tags|@flatten|@reverse', 'nums.@ugly',
  'ship.\\name', 'ship.na\\me', 'ship.name\\', '*a*e*', 'l*s.#.f*m', 'p?rts.1', '*.*', '*.0', '*|0', 'a\\.*', '\\s*', 'st\\**',
]; // biome-ignore format: one path a line would be four hundred lines

const brokenDocuments: readonly string[] = [
  '', ' ', 'x', '"str"', '"unclosed', '"esc\\', '5', '-', '1.5e', 'true', 'nul', 'nan', '[', '{', '{"a"', '{"a":', '{"a":1', '{"a":"x', '{"a":"x\\"', '[1,2', '[1,2,]', '[1 2 3]',
  '{"a" 1}', '{a:1}', '{"a":1,}', '{"a":[1,{"b":2}', '{"a":tru,"b":2}', '{"a":nan,"b":inf,"c":-Inf,"d":+1,"e":NaN}', '{"a":1.50.2,"b":1e400,"c":-,"d":0x10,"e":1_0}', '{"a":"x"}}}',
  '{"a":1}{"a":2}', '[1][2]', '{"a":{"b":1]}', '["a""b" "c"]', '{"a":"tab\tin","b":"e\\n\ttail","c":"bad\\xq","d":"cut\\u12","e":"\\uZZZZ"}', '\ufeff{"a":1}', '// c\n{"a":1}', "{'a':1}",
  '{"a":01,"b":1,000}', '[[[[1]]]]', '{"a":}', '{"a"}', '[,]', '[,1]', '{"":1}', '{"a":(1)}', 'before {"a":"in"} after', '[{"a":1},{"a":2},',
]; // biome-ignore format: as above

const brokenPaths: readonly string[] = [
  'a', 'b', 'c', 'd', 'e', '0', '1', '2', '#', '#.a', '#(a=2)', '#(=2)#', 'a.b', 'a.#', 'a.1.b', '@this', '@valid', '@ugly', '@pretty', '@keys', '@values', '@reverse', '@tostr',
  '@fromstr', '@flatten', '@join', '@group', '@dig:a', '..#', '..0', '..0.a', '[a,b]', '{a,b}', '', '*',
];

const keys = ['a', 'b', 'c', 'ab', 'x.y', 'p|q', '#', '', 'é', '@this', 'k*', '\\', '😀', '0', '1', '"'] as const;

/** Some JSON of random shape and spacing. */
function randomDocument(random: Random, depth = 0): string {
  const blank = () => random.pick(['', '', '', ' ', '\n\t']);
  const size = random.below(4);
  const kind = random.below(depth === 0 ? 2 : depth > 3 ? 8 : 12);
  const spaced = (text: string) => blank() + text + blank();
  if ((depth === 0 && kind === 0) || kind >= 10) {
    const member = () => `${spaced(JSON.stringify(random.pick(keys)))}:${spaced(randomDocument(random, depth + 1))}`;
    return `{${Array.from({ length: size }, member).join(',')}}`;
  }
  if (depth === 0 || kind >= 8) return `[${Array.from({ length: size }, () => spaced(randomDocument(random, depth + 1))).join(',')}]`;
  return random.pick([
    'true', 'false', 'null', '0', '7', '-3', '1.50', '2e3', '-0', '98765432109876543210', '1E-7', '0.1', '""', '"a"', '"b"', '"true"', '"x\\ty"',
    '"\\u00e9\\""', '"😀"', '"{\\"a\\":1}"', '"a.b|c"', '"<&>"', '"[1,2]"', '"5"',
  ]); // biome-ignore format: a list of values
}

const joints = ['.', '.', '.', '.', '|'] as const;
const components = [
  'a', 'b', 'c', 'ab', 'x\\.y', 'p\\|q', '\\#', 'é', '0', '1', '2', '#', '#', '*', 'a*', '?', '😀', '\\\\', 'k\\*', '@this', '@keys', '@values', '@reverse', '@flatten', '@flatten:{"deep":true}',
  '@join', '@ugly', '@pretty', '@pretty:{"sortKeys":true,"width":15}', '@tostr', '@fromstr', '@valid', '@group', '@dig:a', '@dig:0', '#(a)', '#(a)#', '#(=="a")', '#(!="a")#', '#(a==1)#', '#(a>=0)#',
  '#(%"*")#', '#(b=="b")', '#(0)#', '#(==~true)#', '#(a==~null)#', '[a,b]', '{a,b}', '{"z":a,0}', '[0,1,#]', '!5', '!"s"', '{a.0,*}', '#(a.#>0)#', '#(#(a))#',
] as const; // biome-ignore format: a list of components

function randomPath(random: Random): string {
  const count = 1 + random.below(4);
  let path = '';
  for (let index = 0; index < count; index++) path += (index === 0 ? '' : random.pick(joints)) + random.pick(components);
  return random.chance(0.1) ? mutate(random, path) : path;
}

/** One unit dropped, doubled or replaced. */
function mutate(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const middle = random.pick(['', text.slice(at, at + 1).repeat(2), '"', '\\', '.', '|', '}', ']', '{', '#', ' ', ',', ':', '(', ')']);
  const isPair = /[\ud800-\udfff]/.test(text.slice(at - 1, at + 1));
  return isPair ? text : text.slice(0, at) + middle + text.slice(at + 1);
}

export interface Scale {
  readonly seed: number;
  /** Generated documents, each with eight paths. */
  readonly rounds: number;
}

export function gjsonTable({ seed, rounds }: Scale): GjsonTable {
  const random = seededRandom(seed);
  const documents = [fleet, lines];
  const cases: [number, string][] = writtenPaths.map((path) => [0, path]);
  for (const path of writtenPaths.filter((path) => path.startsWith('..') || path.length < 3)) cases.push([1, path]);
  for (const document of brokenDocuments) {
    const index = documents.push(document) - 1;
    for (const path of brokenPaths) cases.push([index, path]);
  }
  for (let round = 0; round < rounds; round++) {
    const clean = randomDocument(random);
    const index = documents.push(round % 4 === 0 ? mutate(random, clean) : clean) - 1;
    for (let path = 0; path < 8; path++) cases.push([index, randomPath(random)]);
  }
  return { documents, cases };
}
