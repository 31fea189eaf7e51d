// Documents that the reference evaluator is asked about: written ones, one idea each, and random ones from a seed.
import { type Random, seededRandom } from '../random.ts';

/** Documents by name; the root is `env`. */
export type Documents = Readonly<Record<string, string>>;

export const writtenDocuments: readonly Documents[] = [
  ...[
    // scalars and their text
    '{a: 1.0, b: 1000000.0, c: 1234567.5, d: 3.14, e: 1e3, f: 0.00001, g: 0.0001, h: -0.0, i: 123456.5}',
    '{a: 0x1F, b: 0o17, c: 0b101, d: 0777, e: 08, f: 1_000, g: 1_, h: _1, i: +12, j: -0x1f, k: 09.5}',
    '{a: yes, b: no, c: on, d: off, e: y, f: True, g: FALSE, h: ~, i: Null, j: nUll, k: tRue}',
    '{a: 2024-01-02, b: 2024-01-02T03:04:05Z, c: 12:30, d: 1.2.3, e: 1e, f: 0x, g: ., h: +, j: 1e400}',
    '{t: {fn::toString: [1.0, 1000000.0, 0x10, true, ~, "a\\"b"]}}',
    '{t: {fn::toString: {b: [1, {c: d}], a: "é\\u200b\\U0001F600\\x01\\n", "k k": ~}}}',
    '{t: {fn::toString: ""}, u: {fn::toString: []}, v: {fn::toString: {}}, w: {fn::toString: ~}}',
    '{a: "x ${n} ${b} ${l} ${o} ${z}", n: 1.50, b: true, l: [1, [2]], o: {k: v}, z: ~}',
    // dollars and references
    '{a: "$$", b: "a$$b", c: "$", d: "a$b", e: "$$$", f: "$$$$", g: "$${x}", h: "$$${x}", x: 1, i: "100$ ${x}"}',
    '{a: {b: {c: [1, {d: 2}]}}, r: "${a.b.c[1].d}", s: "${a[\\"b\\"].c[0]}", t: "${a.b.c[-1]}", u: "${a.b.c[+1].d}"}',
    '{a: [1], r: ["${a[1]}", "${a.x}", "${a[x]}", "${a[\\"0\\"]}", "${a[00]}", "${a[99999999999999999999]}"]}',
    '{a: {x: 1}, r: ["${a[0]}", "${a.y}", "${a.x.y}", "${a.x[0]}", "${b}", "${}", "${.}", "${ a}", "${a }", "${a"]}',
    '{a: 1, r: ["${a}${a}", "${a}-", "-${a}", " ${a}", "${a} ", "${a}$", "$${a}", "${a}}"]}',
    '{a-b: 1, "c:d": 2, e/f: 3, 1x: 4, r: ["${a-b}", "${c:d}", "${e/f}", "${1x}"]}',
    '{r: "${b.c}", b: {c: "${d}", x: "${r}"}, d: [1]}',
    '{a: "${b}", b: "${c}", c: "${a}"}',
    '{a: {x: "${a.y}", y: "${a.x}"}}',
    '{a: {fn::toJSON: "${a}"}, b: {fn::toJSON: {x: "${b}"}}, c: ["${c}", "${c}"]}',
    '{apiKey: 1, api_key: 2, r: ["${apikey}", "${api_keyy}", "${zzz}"]}',
    '{"a b": 1, r: "${[\\"a b\\"]}", "c.d": 2, s: "${[\\"c.d\\"]}", t: "${c.d}"}',
    '{o: {"$$": 1, "a$$b": 2, "a$b": 3}, r: ["${o[\\"$\\"]}", "${o[\\"a$b\\"]}"]}',
    // keys
    '{o: {fn::nope: 1}, p: {FN::toJSON: 1}, q: {fn::toJSON: 1, x: 2}, r: {fn::a: 1, fn::b: 2}, s: {Fn::x: 1}}',
    '{a: 1, a: 2, o: {x: 1, x: 2, x: 3}, r: "${o.x}"}',
    '{o: {"${a}": 1, b: 2}, a: x}',
    '{fn::toJSON: 1, a: 2}',
    '{context: 1, environments: 2, imports: 3, Imports: 4}',
    // functions
    '{a: {fn::join: ["-", [a, b]]}, b: {fn::join: [1, [a]]}, c: {fn::join: ["", [1, a, true]]}, d: {fn::join: ["", a]}}',
    '{a: {fn::join: [x]}, b: {fn::join: []}, c: {fn::join: {a: 1}}, d: {fn::join: "${l}"}, l: ["", [a]]}',
    '{a: {fn::split: [",", "a,b"]}, b: {fn::split: ["", "aé😀"]}, c: {fn::split: [1, 2]}, d: {fn::split: x}}',
    '{a: {fn::concat: [[1], "${l}", []]}, l: [2, [3]], b: {fn::concat: [1]}, c: {fn::concat: x}, d: {fn::concat: [[a], b]}}',
    '{a: {fn::concat: "${l}"}, l: [[1], [2]], b: {fn::concat: {x: 1}}, c: {fn::concat: ~}}',
    '{a: {fn::toJSON: {b: [1.0, "<&>\\u2028", ~], a: "\\u0001\\b\\f\\n\\r\\t\\"\\\\/"}}, b: {fn::toJSON: 1000000.0}}',
    '{a: {fn::fromJSON: "[1.0, 1e2, -0, {\\"b\\": null}]"}, t: {fn::toString: "${a}"}, j: {fn::toJSON: "${a}"}}',
    '{a: {fn::fromJSON: ""}, b: {fn::fromJSON: "{"}, c: {fn::fromJSON: 1}, d: {fn::fromJSON: "  true x"}}',
    '{a: {fn::fromJSON: "01"}, b: {fn::fromJSON: "{\\"a\\":1,}"}, c: {fn::fromJSON: "[1,]"}, d: {fn::fromJSON: "nul"}}',
    '{a: {fn::toBase64: "é"}, b: {fn::fromBase64: "w6k="}, c: {fn::fromBase64: "w6k"}, d: {fn::toBase64: 1}}',
    '{a: {fn::fromBase64: "/w=="}, b: {fn::toBase64: {fn::fromBase64: "/w=="}}, c: {fn::toJSON: {fn::fromBase64: "/w=="}}}',
    '{a: {fn::fromBase64: "a"}, b: {fn::fromBase64: "ab="}, c: {fn::fromBase64: "ab==x"}, d: {fn::fromBase64: "a-b_"}}',
    '{a: {fn::fromBase64: "="}, b: {fn::fromBase64: "abc=d"}, c: {fn::fromBase64: "ab=c"}, d: {fn::fromBase64: "abcde"}}',
    '{a: {fn::secret: x}, b: "${a}y", c: {fn::toJSON: ["${a}"]}, d: ["${a}"], e: {fn::toBase64: "${a}"}, f: {fn::join: ["${a}", []]}}',
    '{a: {fn::secret: 1}, b: {fn::secret: [x]}, c: {fn::secret: ~}, d: {fn::secret: {ciphertext: 1}}, e: {fn::secret: {x: y}}}',
    '{a: {fn::secret: {ciphertext: "x"}}, b: {fn::secret: {ciphertext: ""}}, c: {fn::secret: {ciphertext: "AAAAAAAAAAAAAAAAAAAAAA=="}}}',
    '{a: {fn::secret: {ciphertext: "ZXNjeAAAAAHo9e705fKyKo30VQ=="}}, b: {fn::secret: {ciphertext: "ZXNjeAAAAAHo9e705fKyKo30VA=="}}}',
    '{a: {fn::fromJSON: {fn::secret: "{\\"x\\": [1, {\\"y\\": 2}]}"}}, r: ["${a.x[0]}", "${a.x[1].y}", "${a}"]}',
    '{a: {fn::final: {x: {fn::secret: s}, y: 1}}, r: ["${a.y}", "${a.x}"], b: {fn::final: ["${nope}"]}}',
    '{a: {fn::toString: {x: {fn::secret: s}}}, b: {fn::toString: ["${nope}"]}, c: "${nope} ${d}", d: {fn::secret: s}}',
    // typed providers, known and in a check
    '{t: {fn::open::typed: {text: a, number: 1, record: {foo: x, more: {n: 1}}, map: {k: 1}, texts: [a], pair: [a, 1], either: a, one: 1, ref: {name: x}, any: [1]}}, r: ["${t.text}", "${t.record.foo}", "${t.record.more.n}", "${t.map.k}", "${t.texts[0]}", "${t.pair[1]}", "${t.any[0]}"]}',
    '{t: {fn::open::typed: {text: a, record: {foo: x, more: {n: 1}}, ref: {name: x}}}, r: ["${t.text.x}", "${t.record.nope}", "${t.record[0]}", "${t.record.nope.x}", "${t.nope}", "${t.nope.x}", "${t.ref.name}", "${t.either.x}", "${t.texts.x}", "${t.texts[-1]}", "${t.pair[2]}", "${t.pair[1].x}"]}',
    '{t: {fn::open::typed: {}}, r: [{fn::join: ["${t.number}", "${t.texts}"]}, {fn::join: [",", "${t.pair}"]}, {fn::toBase64: "${t.record}"}, {fn::fromJSON: "${t.text}"}, {fn::concat: ["${t.texts}", "${t.any}"]}, {fn::split: [",", "${t.either}"]}, {fn::split: [",", "${t.one}"]}]}',
    '{t: {fn::open::typed: {text: 1, number: a, record: {}, map: 1, texts: [1, a], pair: [1, a, 2], either: true, one: true, ref: {}}}}',
    '{t: {fn::open::typed: {record: {foo: 1, more: {n: x}}, ref: {name: 1}, pair: [x, y]}}, r: "${t.record.foo}"}',
    '{t: {fn::open::typed: {}}, u: {fn::open::typed: "${t}"}, v: {fn::open::typed: "${t.record}"}, w: {fn::open::typed: {record: "${t.map}", text: "${t.number}", texts: "${t.pair}", either: "${t.one}", ref: "${t.record}", number: "${t.either}", any: "${t.nope}"}}}',
    '{t: {fn::open::typed: {}}, e: [{fn::open::error: "${t}"}, {fn::open::error: "${t.record}"}, {fn::open::error: "${t.map}"}, {fn::open::error: {why: "${t.texts}"}}, {fn::open::error: {why: "${t.any}"}}]}',
    '{t: {fn::open::typed: {}}, v: [{fn::validate: {schema: {type: array, items: {type: number}}, value: "${t.texts}"}}, {fn::validate: {schema: {type: object, properties: {foo: {type: number}}, required: [bar]}, value: "${t.record}"}}, {fn::validate: {schema: {type: array, prefixItems: [{type: number}]}, value: "${t.pair}"}}, {fn::validate: {schema: {anyOf: [{type: number}, {type: boolean}]}, value: "${t.text}"}}]}',
    '{t: {fn::final: {fn::open::typed: {}}}, r: ["${t.text}", "${t.record.nope}"], j: {fn::toJSON: "${t.record}"}, s: "x${t.number}"}',
    '{r: {fn::open::test: {a: 1}}, s: {fn::toString: "${r}"}, q: {fn::toJSON: "${r.x}"}, c: {fn::concat: ["${r.l}", [1]]}, d: "${c[0]}", e: "${c.x}", f: {fn::split: [",", "${r.t}"]}, g: "${f[0]}", h: "${f[0].x}", i: "${s.x}"}',
    // providers
    '{o: {fn::open::test: {a: {fn::secret: s}, b: "${x}"}}, x: 1, r: ["${o.a}", "${o.b}", "${o.c}"]}',
    '{o: {fn::open::secret-wrapper: {a: [1, {b: 2}]}}, r: ["${o.a[1].b}", "${o}"], j: {fn::toJSON: "${o}"}}',
    '{o: {fn::open::error: {why: because}}, r: "${o.x}", p: {fn::open::error: {}}, q: {fn::open::error: {why: 1}}}',
    '{o: {fn::open: {provider: test, inputs: {a: 1}}}, p: {fn::open: {provider: "${x}", inputs: {}}}, q: {fn::open: x}}',
    '{o: {fn::open: {}}, p: {fn::open: {provider: test}}, q: {fn::open: {inputs: {}}}, r: {fn::open: {provider: nope, inputs: {}}}}',
    '{o: {fn::open::test: {a: {fn::open::test: {b: {fn::open::test: {c: 1}}}}}}, r: "${o.a.b.c}"}',
    '{o: {fn::open::test: {a: "${nope}"}}, r: ["${o.a}", "${o.b.c}", "${o[0]}"], t: "${o}", l: {fn::join: [",", ["${o.x}"]]}}',
    '{a: {fn::rotate::nope: {inputs: {}}}, b: {fn::rotate: x}, c: {fn::rotate::swap: x}, d: {fn::rotate::swap: {}}}',
    '{a: {fn::rotate::nope: {inputs: {}, state: x}}, b: {fn::rotate::nope: {inputs: {}, state: ~}}}',
    // validate
    '{r: [{fn::validate: {schema: {type: string}, value: 1}}, {fn::validate: {schema: false, value: 1}}]}',
    '{r: [{fn::validate: {schema: {type: [string]}, value: 1}}, {fn::validate: {schema: 5, value: 1}}]}',
    '{r: [{fn::validate: {schema: {minLength: 3, maxLength: 1}, value: "é"}}, {fn::validate: {schema: {pattern: "^a"}, value: ba}}]}',
    '{r: [{fn::validate: {schema: {minimum: 2}, value: 1}}, {fn::validate: {schema: {maximum: 2}, value: 3}}, {fn::validate: {schema: {multipleOf: 2}, value: 3}}]}',
    '{r: [{fn::validate: {schema: {exclusiveMinimum: 2}, value: 2}}, {fn::validate: {schema: {exclusiveMaximum: 2}, value: 2}}]}',
    '{r: [{fn::validate: {schema: {minItems: 2}, value: [1]}}, {fn::validate: {schema: {maxItems: 0}, value: [1]}}, {fn::validate: {schema: {prefixItems: [{type: string}], items: {type: number}}, value: [1, x]}}]}',
    '{r: [{fn::validate: {schema: {minProperties: 2}, value: {a: 1}}}, {fn::validate: {schema: {maxProperties: 0}, value: {a: 1}}}, {fn::validate: {schema: {required: [c, b]}, value: {}}}]}',
    '{r: [{fn::validate: {schema: {const: 1}, value: 1.0}}, {fn::validate: {schema: {const: {a: [1]}}, value: {a: [2]}}}, {fn::validate: {schema: {enum: [a, 1]}, value: 2}}, {fn::validate: {schema: {enum: [a]}, value: 2}}]}',
    '{r: [{fn::validate: {schema: {oneOf: [{type: string}, {minLength: 1}]}, value: x}}, {fn::validate: {schema: {oneOf: [{type: string}, {type: "null"}]}, value: 1}}]}',
    '{r: [{fn::validate: {schema: {$defs: {a: {type: string}}, $ref: "#/$defs/a"}, value: 1}}]}',
    '{r: [{fn::validate: {schema: {dependentRequired: {a: [b]}}, value: {a: 1}}}, {fn::validate: {schema: {additionalProperties: false}, value: {a: 1}}}]}',
    '{r: {fn::validate: {schema: {type: string}, value: "${nope}"}}, s: {fn::validate: {schema: "${nope}", value: 1}}, t: {fn::validate: {schema: {type: string}, value: {fn::secret: x}}}}',
    // context
    '{a: "${context.currentEnvironment.name}/${context.rootEnvironment.name}", b: "${context.nope}", c: "${context[0]}"}',
    '{a: "${environments}", b: "${environments.p}", c: "${environments.p.e}", d: "${environments[0].x}", e: "${imports}"}',
  ].map((values) => ({ env: `values: ${values}` })),
  ...[
    '',
    '# nothing',
    '~',
    '[]',
    'x',
    'values:',
    'values: {}',
    'values: x',
    'imports:',
    'imports: x',
    'imports: []',
    'nope: 1',
    'Values: {a: 1}',
    'VALUES: {a: 1}\nvalues: {b: 2}',
    'description: ${a}\nvalues: {a: 1}',
    'description: 1',
    'vlaues: {a: 1}',
    'imports: [{}]',
    'imports: [[a]]',
    'imports: [1]',
    'values: {a: 1',
    'values: {a: &x 1, b: *x}',
    'values: {1: a}',
    'a: 1\na: 2',
    'values: {? [a] : 1}',
  ].map((env) => ({ env })),
  ...[
    ['imports: [a]\nvalues: {o: {y: 2}, t: "${o}", j: {fn::toJSON: "${o}"}}', 'values: {o: {x: 1}}'],
    ['imports: [a]\nvalues: {o: ~, l: [3], s: {k: 1}, n: {k: 2}}', 'values: {o: {x: 1}, l: [1, 2], s: 5, n: ~}'],
    ['imports: [a]\nvalues: {o: {y: 1}}', 'values: {o: {fn::open::test: {x: 1, y: {z: 1}}}}'],
    [
      'imports: [a]\nvalues: {o: {y: {q: 1}}, r: ["${o.x}", "${o.y.z}", "${o.y.q}"]}',
      'values: {o: {fn::open::test: {x: 1, y: {z: 1}}}}',
    ],
    ['imports: [a]\nvalues: {o: {fn::open::test: {y: 1}}, r: ["${o.x}", "${o.y}"]}', 'values: {o: {x: 1}}'],
    ['imports: [a]\nvalues: {o: "${p}", p: {y: 2}, t: "${o}"}', 'values: {o: {x: 1}}'],
    ['imports: [a]\nvalues: {o: {fn::final: {y: 2}}, r: ["${o.x}", "${o}"]}', 'values: {o: {x: 1}}'],
    [
      'imports: [a]\nvalues: {o: {fn::validate: {schema: true, value: {y: 2}}}, r: ["${o.x}", "${o}"]}',
      'values: {o: {x: {fn::secret: 1s}}}',
    ],
    [
      'imports: [a]\nvalues: {o: {y: 1}, p: "${o}", q: {fn::final: "${o}"}, t: {fn::validate: {schema: true, value: "${o}"}}}',
      'values: {o: {x: {fn::secret: s}}}',
    ],
    ['imports: [a]\nvalues: {b: 2, c: {x: 2}}', 'values: {b: "${f}", f: {fn::final: 1}, c: {x: {fn::final: 1}}}'],
    ['imports: [a]\nvalues: {o: {x: 2}, r: "${o.x}"}', 'values: {o: {fn::final: {x: 1}}}'],
    ['imports: [a, a]\nvalues: {x: "${imports.a.x}", y: "${imports[\\"a\\"].x}", z: "${imports.b}"}', 'values: {x: 1}'],
    ['imports: [{a: {merge: false}}]\nvalues: {r: "${x}", s: "${imports.a.x}"}', 'values: {x: 1}'],
    ['imports: [{a: ~}]', 'values: {x: 1}'],
    ['imports: [{a: {merge: 1}}]\nvalues: {y: 1}', 'values: {x: 1}'],
    ['imports: [{a: {Merge: false, nope: 1}}, {a: {}, b: {}}, nope]\nvalues: {y: 1}', 'values: {x: 1}'],
    ['imports: [a]\nvalues: {y: "${x}"}', 'values: {x: 1, fn::x: 2}'],
    ['imports: [a]\nvalues: {y: "${x}"}', 'values: {x: 1\n'],
    ['imports: [a]\nvalues: {y: "${x}"}', 'nope: 1\nvalues: {x: "${z}", z: 1, z: 2}'],
    ['imports: [a]\nvalues: {z: 2}', 'values: {x: "${z}", z: 1}'],
    ['imports: [a]\nvalues: {x: 1}', 'imports: [env]\nvalues: {y: 1}'],
    ['values: {r: "${environments.p.a.x}", s: "${environments.p.a.y}", t: "${environments.p.a}"}', 'values: {x: 1}'],
    [
      'imports: [a]\nvalues: {r: "${context.rootEnvironment.name}"}',
      'values: {x: "${context.currentEnvironment.name} ${context.rootEnvironment.name}"}',
    ],
    ['imports: [a]\nvalues: {o: {fn::toJSON: "${o2}"}, o2: {x: {y: 2}}}', 'values: {o: {a: 1}, o2: {x: {z: 1}}}'],
    [
      'imports: [a]\nvalues: {o: {record: {own: 1}, map: {own: 1}, any: {own: 1}, text: {own: 1}, ref: {own: 1}, nope: {own: 1}}, r: ["${o.record.foo}", "${o.record.nope}", "${o.map.x}", "${o.any.x}", "${o.text.x}", "${o.ref.name}", "${o.nope.x}", "${o.number}", "${o.missing}"]}',
      'values: {o: {fn::open::typed: {}}}',
    ],
    [
      'imports: [a]\nvalues: {o: {x: {y: 1}}, r: ["${o.x.z}", "${o.z}", "${o.x.y}"], j: {fn::toJSON: "${o}"}, t: "${o}"}',
      'values: {o: {fn::open::test: {x: {z: 1}}}}',
    ],
    [
      'imports: [a]\nvalues: {o: "${p}", p: {x: 1}, r: ["${o.z}", "${o.x}"], q: {fn::open::test: "${o}"}}',
      'values: {o: {fn::open::test: {x: {z: 1}}}}',
    ],
    [
      'imports: [a]\nvalues: {o: {k: {fn::open::typed: {text: b}}}, r: ["${o.k.text}", "${o.k.z}"]}',
      'values: {o: {k: {text: a, z: 1}}}',
    ],
    [
      'imports: [a]\nvalues: {s: {x: 1}, r: "${s.y}"}',
      'values: {s: {fn::secret: {ciphertext: "ZXNjeAAAAAHo9e705fKyKo30VQ=="}}}',
    ],
    [
      'imports: [a]\nvalues: {o: ["${o}", 1], p: "${imports.a.o.x}"}',
      'values: {o: {x: "${p}", y: {fn::open::error: {why: no}}}, p: 1}',
    ],
  ].map(([env = '', a = '']): Documents => ({ env, a, 'p/a': a })),
  // imports in chains: env over b over a
  ...[
    ['imports: [b]\nvalues: {o: {z: 3}, r: "${o}"}', 'imports: [a]\nvalues: {o: {y: 2}}', 'values: {o: {x: 1}}'],
    ['imports: [b]\nvalues: {o: {z: 3}}', 'imports: [a]\nvalues: {o: 5}', 'values: {o: {x: 1}}'],
    ['imports: [b]\nvalues: {o: {z: 3}}', 'imports: [a]\nvalues: {o: ~}', 'values: {o: {x: 1}}'],
    ['imports: [b]\nvalues: {o: {x: 2}}', 'imports: [a]\nvalues: {n: 1}', 'values: {o: {fn::final: {x: 1}}}'],
    ['imports: [a, b]\nvalues: {r: "${o.x}"}', 'values: {o: {x: 2}}', 'values: {o: {x: {fn::final: 1}}}'],
    ['imports: [b, a]\nvalues: {o: {x: 3}}', 'values: {o: {x: 2}}', 'values: {o: {x: {fn::final: 1}}}'],
    ['imports: [a, b]\nvalues: {r: "${x}"}', 'imports: [a]\nvalues: {x: 2}', 'values: {x: 1, y: "${x}"}'],
    ['imports: [a, b, a]', 'values: {x: 2}', 'values: {x: 1}'],
    [
      'imports: [{b: {merge: false}}, a]\nvalues: {r: "${imports.b.x}"}',
      'imports: [a]\nvalues: {y: 1}',
      'values: {x: 1}',
    ],
    ['imports: [b]\nvalues: {r: "${imports.b.x}", s: "${imports.a.x}"}', 'imports: [a]', 'values: {x: 1}'],
    ['imports: [b]', 'imports: [a]', 'imports: [b]\nvalues: {x: 1}'],
    ['imports: [b]\nvalues: {r: "${s}"}', 'imports: [a]\nvalues: {s: "${t}!"}', 'values: {t: {fn::secret: hush}}'],
    ['imports: [b]\nvalues: {l: ["${l}"]}', 'imports: [a]\nvalues: {l: [2]}', 'values: {l: [1]}'],
    [
      'imports: [b]\nvalues: {l: {fn::concat: ["${imports.b.l}", [3]]}}',
      'imports: [a]\nvalues: {m: 1}',
      'values: {l: [1, 2]}',
    ],
    [
      'imports: [b]\nvalues: {j: {fn::toJSON: "${o}"}, t: {fn::toString: "${o}"}}',
      'imports: [a]\nvalues: {o: {b: "<&>"}}',
      'values: {o: {a: "\\u2028"}}',
    ],
    [
      'imports: [b]\nvalues: {o: {p: {q: {r: 1}}}, x: "${o.p.q.s}"}',
      'imports: [a]\nvalues: {o: {p: {q: {s: 2}}}}',
      'values: {o: {p: {q: {t: 3}}}}',
    ],
    [
      'imports: [b]\nvalues: {o: {fn::open::test: {z: 3}}}',
      'imports: [a]\nvalues: {o: {fn::open::test: {y: 2}}}',
      'values: {o: {fn::open::test: {x: 1}}}',
    ],
    [
      'imports: [b]\nvalues: {r: "${n}"}',
      'imports: [a]\nvalues: {n: "${context.rootEnvironment.name}"}',
      'values: {n: 1}',
    ],
    [
      'imports: [b]\nvalues: {environmentVariables: {A: 2, C: "${environmentVariables.B}"}}',
      'imports: [a]',
      'values: {environmentVariables: {A: 1, B: {fn::secret: b}}}',
    ],
    [
      'imports: [b]\nvalues: {v: {fn::validate: {schema: {type: object, required: [x, y]}, value: "${o}"}}}',
      'imports: [a]\nvalues: {o: {y: 2}}',
      'values: {o: {x: 1}}',
    ],
  ].map(([env = '', b = '', a = '']): Documents => ({ env, a, b })),
];

const keys = ['a', 'b', 'c', 'd', 'e-f'];

/** As many documents as wanted, the same for a seed. */
export function randomDocuments(seed: number, count: number): readonly Documents[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (): Documents => {
    const imports = random.chance(0.6) ? ['a', ...(random.chance(0.3) ? ['b'] : [])] : [];
    const env = document(random, imports);
    return { env, a: document(random, random.chance(0.3) ? ['b'] : []), b: document(random, []) };
  });
}

function document(random: Random, imports: readonly string[]): string {
  const values = Array.from(
    { length: 2 + random.below(4) },
    () => `${quoted(random.pick(keys))}: ${expression(random, 3)}`,
  );
  const unique = new Map(values.map((each) => [each.slice(0, each.indexOf(':')), each]));
  const head = imports.length === 0 ? '' : `imports: [${imports.join(', ')}]\n`;
  return `${head}values: {${[...unique.values()].join(', ')}}\n`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function reference(random: Random): string {
  const steps = Array.from({ length: random.below(3) }, () => random.pick(['.a', '.b', '.c', '[0]', '[1]', '["e-f"]']));
  const roots = [...keys, ...keys, 'imports.a', 'imports.a.a', 'context.rootEnvironment.name', 'nope'];
  return `\${${random.pick(roots)}${steps.join('')}}`;
}

function expression(random: Random, depth: number): string {
  const kind = random.below(depth > 0 ? 16 : 7);
  const inner = () => expression(random, depth - 1);
  const list = () => Array.from({ length: random.below(4) }, inner).join(', ');
  switch (kind) {
    case 0:
      return random.pick(['~', 'true', '1', '2.50', '0777', '1e6', '""', 'text', '"a,b"', '"{}"', '"[1]"', '"YQ=="']);
    case 1:
    case 2:
    case 3:
      return quoted(reference(random));
    case 4:
      return quoted(`x ${reference(random)}${random.pick(['', '$$', ` ${reference(random)}`])}`);
    case 5:
      return `{fn::secret: ${random.pick(['hush', '"{}"', '"[1, {\\"a\\": 2}]"'])}}`;
    case 6:
      return random.pick(['text', '1', '[]', '{}']);
    case 7:
    case 8:
      return `[${list()}]`;
    case 9:
    case 10:
    case 11: {
      const members = new Map(Array.from({ length: 1 + random.below(3) }, () => [quoted(random.pick(keys)), inner()]));
      return `{${Array.from(members, ([key, value]) => `${key}: ${value}`).join(', ')}}`;
    }
    case 12:
      return `{${random.pick(['fn::toJSON', 'fn::toString', 'fn::fromJSON', 'fn::toBase64', 'fn::fromBase64'])}: ${inner()}}`;
    case 13:
      return `{fn::${random.pick(['join', 'split'])}: [",", ${inner()}]}`;
    case 14:
      return `{fn::open::${random.pick(['test', 'test', 'secret-wrapper'])}: {a: ${inner()}, b: ${inner()}}}`;
    default:
      return `{fn::${random.pick(['final', 'concat'])}: [${inner()}, [${list()}]]}`;
  }
}
