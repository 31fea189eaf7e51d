// The cases of ESO's own test tables, numbered within each suite, and where each is proven here: by a test of this repository,
// by a recorded case, or not, with the reason. docs/conformance.md counts them; a test keeps names of tests from drifting.

export interface Suite {
  readonly title: string;
  readonly cases: number;
}

export const suites = {
  controller: { title: 'ExternalSecret controller: behaviour', cases: 101 },
  pieces: { title: 'ExternalSecret controller: its pieces', cases: 94 },
  stores: { title: 'stores', cases: 31 },
  validators: { title: 'validators', cases: 48 },
  utilities: { title: 'utilities', cases: 73 },
  ces: { title: 'ClusterExternalSecret', cases: 14 },
} as const satisfies Record<string, Suite>;

export type SuiteName = keyof typeof suites;

/** Where it is proven. */
export type Proof =
  /** A title as it stands in the file. */
  | { readonly file: string; readonly test: string }
  /** Ids of recorded cases, which a run of this suite compares. */
  | { readonly recorded: string }
  | { readonly not: string };

export interface Row {
  readonly suite: SuiteName;
  /** `3` or `3-5`. */
  readonly cases: string;
  readonly about: string;
  readonly proofs: readonly Proof[];
}

const files = {
  plan: 'src/core/target-plan.test.ts',
  template: 'src/core/target-template.test.ts',
  selection: 'src/core/selection.test.ts',
  rewrite: 'src/core/rewrite.test.ts',
  keys: 'src/core/key-conversion.test.ts',
  decoding: 'src/core/decoding.test.ts',
  hash: 'src/core/object-hash.test.ts',
  access: 'src/core/store-access.test.ts',
  refresh: 'src/core/refresh.test.ts',
  windows: 'src/core/sync-windows.test.ts',
  status: 'src/core/sync-status.test.ts',
  duty: 'src/controller/external-secret/duty.test.ts',
  judge: 'src/controller/external-secret/reconcile.test.ts',
  interleavings: 'src/controller/interleavings.test.ts',
  series: 'src/controller/run-series.test.ts',
  storeRun: 'src/controller/secret-store/reconcile.test.ts',
  validators: 'src/controller/validators.test.ts',
  cesPlan: 'src/controller/cluster-external-secret/plan.test.ts',
  references: 'src/credentials/references.test.ts',
  credentials: 'src/credentials/store-credentials.test.ts',
  crds: 'src/crds/crds.cluster.test.ts',
  jsonText: 'src/core/json-text.test.ts',
  fake: 'src/providers/fake/provider.test.ts',
  contract: 'src/providers/contract.test.ts',
  manifestPlan: 'src/core/manifest/manifest-plan.test.ts',
  manifestTemplate: 'src/core/manifest/manifest-template.test.ts',
  follow: 'src/controller/external-secret/manifest-targets.test.ts',
  manifests: 'test/e2e/manifest-targets.test.ts',
  lifecycle: 'test/e2e/lifecycle.test.ts',
  policies: 'test/e2e/policies.test.ts',
  takeover: 'test/e2e/takeover.test.ts',
  generators: 'test/e2e/generators.test.ts',
  rights: 'test/e2e/rights.test.ts',
  bad: 'test/e2e/bad-input.test.ts',
  clock: 'test/e2e/clock.test.ts',
  economy: 'test/e2e/economy.test.ts',
  monitoring: 'test/e2e/monitoring.test.ts',
  page: 'test/e2e/eso-page.test.ts',
  ces: 'test/e2e/cluster-external-secret.test.ts',
} as const;

const by = (file: keyof typeof files, test: string): Proof => ({ file: files[file], test });
const recorded = (ids: string): Proof => ({ recorded: ids });
const not = (reason: string): Proof => ({ not: reason });

const rowsOf = (
  suite: SuiteName,
  rows: readonly (readonly [cases: string, about: string, ...proofs: Proof[]])[],
): readonly Row[] => rows.map(([cases, about, ...proofs]) => ({ suite, cases, about, proofs }));

const noPush = not('PushSecrets are not served');
const intervalZero = not('an edit is synced whatever the interval is; interval 0 only ends repetitions');

export const rows: readonly Row[] = [
  ...rowsOf('controller', [
    [
      '1-4',
      'a target that is gone, or whose label, hash or data is not as written, is not valid',
      by('plan', 'judges a target %s'),
    ],
    ['5-6', 'an Orphan is always valid', by('judge', 'finds: %s')],
    ['7-8', 'the same under CreateOrMerge', by('judge', 'finds: %s')],
    ['9', 'a Secret that was taken away is made again', by('lifecycle', 'is repaired at once when $why')],
    ['10', 'the annotation has the hash of the data', by('takeover', 'writes a Secret with the marks of ESO')],
    [
      '11',
      'the hash covers keys of others when it merges',
      by('policies', 'has a hash over the keys of both, and gets its own key back when somebody overwrites it'),
    ],
    [
      '12',
      'a target that is renamed',
      by('lifecycle', 'that renames the target writes the new Secret and removes the old one, which is its own'),
    ],
    ['13', 'data that somebody edited is put back', by('lifecycle', 'is repaired at once when $why')],
    [
      '14',
      'no target name',
      by('takeover', 'reports as ESO does, with the generation besides, and gets no finalizer'),
      recorded('name-0003'),
    ],
    [
      '15',
      'a target name of more than 63 characters',
      by('policies', 'takes a target name of more than 63 characters, and binds it'),
    ],
    ['16', 'the binding', by('takeover', 'reports as ESO does, with the generation besides, and gets no finalizer')],
    ['17', 'no binding under None', recorded('policy-0086 policy-0098')],
    [
      '18',
      'labels and annotations are copied, and the owner is set',
      by('lifecycle', 'reach the Secret, and leave it again'),
      by('takeover', 'writes a Secret with the marks of ESO'),
    ],
    [
      '19',
      'labels and annotations of others stay',
      by('takeover', 'is adopted: its data is replaced, labels and annotations of others stay'),
    ],
    ['20', 'own ones go when they are wanted no more', by('lifecycle', 'reach the Secret, and leave it again')],
    [
      '21',
      'series of an object',
      by('series', "exposes ESO's series of an object: calls, the last duration in nanoseconds, both states of Ready"),
    ],
    [
      '22',
      'Merge keeps what is there; field managers',
      by('policies', 'keeps what is not of the ExternalSecret, and shows under which manager each field was written'),
    ],
    [
      '23',
      'a key of others that changes brings a run',
      by('policies', 'has a hash over the keys of both, and gets its own key back when somebody overwrites it'),
    ],
    [
      '24',
      'Merge without a Secret',
      by('lifecycle', 'Merge writes into a Secret of somebody else, and leaves the keys there alone'),
      recorded('policy-0044'),
    ],
    [
      '25',
      'an own key wins over the one that is there',
      by('policies', 'has a hash over the keys of both, and gets its own key back when somebody overwrites it'),
    ],
    [
      '26',
      'Merge without a change writes nothing',
      by('plan', 'writes nothing when the merge changes nothing'),
      by('policies', 'has a hash over the keys of both, and gets its own key back when somebody overwrites it'),
    ],
    ['27', 'an Orphan stays behind', by('policies', 'keeps an Orphan when the ExternalSecret is gone for long')],
    ['28', 'a ClusterGenerator', by('rights', 'takes values from every kind of generator')],
    ['29', 'a Fake', by('generators', 'give an identifier, a key pair under other keys, and fixed values')],
    ['30', 'a generator of another class', by('generators', 'is left alone %s')],
    ['31', 'two stores', by('policies', 'come from two stores in one ExternalSecret'), recorded('from-0008 from-0009')],
    [
      '32-34',
      'what a template makes, and in which order',
      by('template', 'keeps the order with $why'),
      by('template', 'writes labels and annotations, those of metadata over those of templateFrom'),
    ],
    [
      '35-36',
      'templateFrom: keys and values, literals, targets',
      by('template', 'keeps the order with $why'),
      recorded('place-*'),
    ],
    ['37-39', 'null bytes under Fail', by('policies', 'fail in %s, and no Secret is made')],
    [
      '40',
      'a template that is edited',
      by('policies', 'that is edited changes data, labels and annotations of the Secret'),
    ],
    ['41', 'mergePolicy Merge', by('template', 'keeps the order with $why')],
    [
      '42',
      'a template with other labels and annotations',
      by('policies', 'that is edited changes data, labels and annotations of the Secret'),
    ],
    [
      '43',
      'a template of metadata alone',
      by('policies', 'of metadata and a type alone copies the values as they are'),
    ],
    ['44', 'a value that changes at the source', by('lifecycle', 'reaches the Secret at the refresh interval')],
    [
      '45-46',
      'a key that goes from a map',
      by('policies', 'go when they are gone at the source, also beside an empty template'),
    ],
    ['47', 'interval 0', by('lifecycle', 'reaches the Secret with refreshInterval 0 by force-sync, and not before')],
    [
      '48',
      'extract takes all members',
      by('policies', 'go when they are gone at the source, also beside an empty template'),
    ],
    [
      '49',
      'one value extracted under two names',
      by('policies', 'come twice under two names when two entries rewrite them'),
    ],
    [
      '50',
      'no conversion of keys beside a rewrite: extract',
      by('policies', 'are not converted where an entry rewrites them: %s fails'),
    ],
    ['51', 'find takes all', by('page', 'fetch all secrets of the folder'), recorded('find-0005')],
    ['52', 'find and rewrite', by('selection', 'lays answers over each other: %s')],
    [
      '53',
      'no conversion of keys beside a rewrite: find',
      by('policies', 'are not converted where an entry rewrites them: %s fails'),
    ],
    ['54', 'a type', by('policies', 'of metadata and a type alone copies the values as they are')],
    [
      '55',
      'an error of the provider, and its end',
      by('lifecycle', 'keeps the Secret when the key is gone, says so, and recovers when it is back'),
    ],
    [
      '56',
      'a store that is missing',
      by('interleavings', 'that is gone is told by whoever reads from it, and mended when it is back'),
    ],
    [
      '57',
      'a store that cannot be connected',
      by('storeRun', 'finds %s wrong before it connects'),
      by('bad', 'is told with its cause and its repair, and costs no Secret: $why'),
    ],
    [
      '58',
      'a store of another class',
      by('interleavings', 'keeps us silent when its class names another controller, or somebody serves the object'),
    ],
    ['59', 'ClusterSecretStores are switched off', not('the condition says so, where ESO says nothing')],
    [
      '60',
      'deletionPolicy Delete',
      by(
        'lifecycle',
        'deletionPolicy Delete takes the Secret away when its keys are gone at the source, and brings it back',
      ),
    ],
    [
      '61',
      'Retain and a missing secret',
      by('lifecycle', 'keeps the Secret when the key is gone, says so, and recovers when it is back'),
      recorded('del-0001'),
    ],
    [
      '62',
      'Retain and a search that finds nothing',
      by('bad', 'in a search that finds nothing is told while there is no Secret, and keeps the one that is there'),
    ],
    [
      '63',
      'deletionPolicy Merge in a merged Secret',
      by('policies', 'loses the key that is gone at the source under deletionPolicy Merge, and no other'),
    ],
    [
      '64-75',
      'conditions of a ClusterSecretStore',
      by('access', 'answers for %s'),
      by('lifecycle', 'open and shut it by $why'),
    ],
    [
      '76',
      'Orphan, CreatedOnce, and the ExternalSecret made again',
      by('policies', 'stays when the ExternalSecret goes, and is overwritten when it comes back (Orphan, CreatedOnce)'),
    ],
    [
      '77',
      'the same, immutable',
      by('policies', 'keeps its data when it is immutable, however often the ExternalSecret comes back'),
    ],
    [
      '78',
      'Owner, immutable, taken away',
      by('policies', 'makes an owned immutable Secret again when it is taken away'),
    ],
    [
      '79',
      'Orphan, CreatedOnce, taken away',
      by('policies', 'stays when the ExternalSecret goes, and is overwritten when it comes back (Orphan, CreatedOnce)'),
    ],
    [
      '80',
      'Orphan, Periodic, immutable',
      by('policies', 'is made again at the interval under Orphan, frozen as before'),
    ],
    ['81', 'CreateOrMerge into a Secret that is there', by('policies', 'keeps its keys when CreateOrMerge finds it')],
    [
      '82-83',
      'CreateOrMerge, taken away, and kept; immutable',
      by(
        'policies',
        'is made again at once under CreateOrMerge and CreatedOnce, and stays when the ExternalSecret goes',
      ),
    ],
    ['84', 'another synced version', by('refresh', 'decides when %s')],
    ['85-87', 'a label, an annotation, the generation', by('duty', 'takes a change of %s for an edit')],
    ['88', 'interval 0 refreshes nothing', by('duty', 'names: %s')],
    ['89', 'the interval is over', by('duty', 'names: %s')],
    ['90', 'no refresh time', by('refresh', 'decides when %s')],
    [
      '91',
      'the hash of metadata',
      by('hash', 'is that of Go over every recorded pair'),
      by('hash', 'follows the generation in a synced resource version'),
    ],
    ['92', 'a status alone brings no run', by('economy', 'cost what changes, and nothing while nothing does')],
    [
      '93-95',
      'generation, labels and annotations bring one',
      by('duty', 'takes a change of %s for an edit'),
      by('lifecycle', 'reach the Secret, and leave it again'),
    ],
    [
      '96-97',
      'deletion and finalizers bring one',
      by('takeover', 'keeps its finalizer until the object is deleted, and does not hold that up'),
      by('takeover', 'leaves finalizers of others on an object that is being deleted'),
    ],
    [
      '98-99',
      'CreatedOnce and OnChange',
      by('refresh', 'decides when %s'),
      by('lifecycle', 'CreatedOnce reads its sources once, OnChange again after an edit'),
    ],
    ['100', 'no policy is Periodic', by('duty', 'under %s is %s')],
    [
      '101',
      'Periodic',
      by('duty', 'names: %s'),
      by('clock', 'by %i ms rewrites no Secret and holds up no change'),
      intervalZero,
    ],
  ]),
  ...rowsOf('pieces', [
    ['1-4', 'null bytes: Ignore, none, clean', by('decoding', 'Ignore, an absent one, and a value without NUL pass')],
    [
      '5-7',
      'null bytes under Fail name the key',
      by('decoding', 'Fail refuses a value with a NUL byte, naming the key'),
      by('selection', 'fails as a whole for %s'),
    ],
    ['8-11', 'strategies that are left out stay out', by('crds', 'get no default into their lists')],
    ['12-28', 'sync windows', by('windows', 'decides when %s')],
    [
      '29-32',
      'conditions and their times',
      by('status', 'moves lastTransitionTime only when the status flips'),
      by('status', 'lists for %s'),
    ],
    ['33-41', 'differences of keys for the debug log', not('no such line is logged: the Secret shows its keys')],
    ['42-45', 'targets of templateFrom that a Secret has not', by('validators', 'of %s')],
    [
      '46',
      'types that let somebody in',
      by('validators', 'of %s'),
      by('plan', 'refuses a target of type %s, whoever owns it'),
    ],
    ['47', 'targets in any case', by('validators', 'of %s')],
    [
      '48-53',
      'manifests as targets: who is woken by which object',
      by('follow', 'wake whoever names the object, and nobody else'),
    ],
    [
      '54-56',
      'manifests are told from Secrets',
      by('manifests', 'makes a ConfigMap, and follows source and drift'),
      by('manifests', 'gets values in spec.data without a template'),
    ],
    [
      '57-60',
      'the flag, and what is missing',
      by('follow', 'are refused while they are switched off, naming the flag'),
      by('follow', 'of kind %s are refused with %s'),
    ],
    [
      '61-64',
      'kind, name and values without a template',
      by('manifestTemplate', 'holds the values in data of a ConfigMap, and in spec.data of any other kind'),
    ],
    ['65', 'the managed label', by('manifestPlan', 'is created whole, marked, and owned under Owner')],
    [
      '66',
      'metadata of a template',
      by('manifestTemplate', 'has labels and annotations, of metadata over those of templateFrom'),
    ],
    [
      '67-71',
      'owners',
      by('manifestPlan', 'is created whole, marked, and owned under Owner'),
      by('manifestPlan', 'is owned by nobody under %s'),
      by('manifestPlan', 'that %s is not written under %s'),
    ],
    [
      '72-74',
      'labels and annotations of the ExternalSecret',
      by('manifestPlan', 'is created whole, marked, and owned under Owner'),
      by('manifestTemplate', 'has labels and annotations, of metadata over those of templateFrom'),
    ],
    [
      '75-76',
      'one that is there, or not',
      by('manifests', 'is left alone when no ExternalSecret has made it'),
      by('manifests', 'is waited for under Merge'),
    ],
    [
      '77-78',
      'templates at paths, merged into what is there',
      by('manifestTemplate', 'is %s'),
      by('manifests', 'is filled at paths, in what others wrote'),
    ],
    [
      '79-89',
      'the hash of what was written, and whether it still is so',
      by('follow', 'that were completed with defaults count as written, until they change'),
      by('manifests', 'that the API server completes with defaults is written once'),
    ],
    [
      '90-94',
      'kinds are followed from the first user to the last',
      by('follow', 'follow a kind once, from the first that names it to the last'),
      by('follow', 'are tried again after a refusal, and after the first that asked has left'),
    ],
  ]),
  ...rowsOf('stores', [
    [
      '1',
      'a provider that is not right',
      by('storeRun', 'finds %s wrong before it connects'),
      by('storeRun', 'reports %s, with the reader whose upstream may recover'),
    ],
    [
      '2',
      'another class',
      by('interleavings', 'keeps us silent when its class names another controller, or somebody serves the object'),
    ],
    ['3-4', 'a valid store and its capabilities', by('storeRun', 'finds a store valid that its provider proves')],
    [
      '5',
      'validation unknown',
      by('storeRun', 'says so when there is no proof to be had'),
      by('fake', 'says what its validationResult %d says, and is used accordingly'),
    ],
    ['6-11', 'finalizers for PushSecrets', noPush],
    [
      '12-13',
      'the same for ClusterSecretStores: not right, another class',
      by('storeRun', 'finds %s wrong before it connects'),
    ],
    ['14-15', 'valid, capabilities', by('storeRun', 'finds a store valid that its provider proves')],
    [
      '16',
      'unknown',
      by('storeRun', 'cannot judge a cluster store that leaves the namespace of its credentials to each consumer'),
    ],
    ['17-22', 'finalizers for PushSecrets', noPush],
    ['23-25', 'a store of the object, of an entry, of both', by('selection', 'reads from %s')],
    [
      '26-27',
      'a connection is kept, and let go',
      by('contract', 'serves one call, and calls at the same time, from one snapshot'),
      by('contract', 'lets its session go with its last holder'),
    ],
    ['28-30', 'regular expressions for namespaces', by('access', 'answers for %s')],
    [
      '31',
      'the series of Ready',
      by('monitoring', 'tell both states of Ready, one of which is 1, and the labels of the object'),
    ],
  ]),
  ...rowsOf('validators', [
    [
      '1-15',
      'rules for policies, sources and duplicate keys',
      by('validators', 'of %s'),
      by('validators', 'names all errors at once'),
    ],
    [
      '16',
      'a token of no ServiceAccount is allowed',
      not('refused: whoever may annotate the Secret gets a token of any account'),
    ],
    ['17-18', 'a token and an Annotations target', by('validators', 'of %s')],
    ['19', 'a token and a Data target is allowed', not('refused, as 16')],
    ['20', 'a bootstrap token', by('validators', 'of %s')],
    [
      '21',
      'the annotation of a ServiceAccount on another type is allowed',
      not('a template may not produce it on any type'),
    ],
    ['22-26', 'targets of templateFrom', by('validators', 'of %s')],
    ['27-28', 'targets in manifests', by('validators', 'of %s')],
    ['29-36', 'stores: expressions, intervals, one backend', by('validators', 'with %s')],
    ['37', 'an unknown backend', not('accepted and left alone: it may be that of another controller')],
    ['38', 'a backend without a maintainer', not('the providers that are served are maintained here')],
    ['39-47', 'intervals of stores', by('validators', 'reads the interval %s'), by('storeRun', 'refuses %j')],
    ['48', 'a maximal object of each kind', by('crds', 'keep every condition and field that we report')],
  ]),
  ...rowsOf('utilities', [
    [
      '1-3',
      'hashes',
      by('hash', 'of %j is the one that External Secrets Operator writes'),
      by('hash', 'is over the text itself'),
    ],
    ['4', 'the hash of a whole Secret', not('nothing here hashes one')],
    ['5', 'conversion of special characters', by('keys', 'makes of %j with %s %j')],
    ['6', 'a collision', by('keys', 'refuses keys that meet, naming all of them')],
    ['7-9', 'slashes, emoji, no strategy', by('keys', 'makes of %j with %s %j')],
    [
      '10-11',
      'keys that stay, keys that collide',
      by('keys', 'leaves only valid keys, and changes them no more'),
      by('keys', 'refuses keys that meet, naming all of them'),
    ],
    ['12-17', 'ReverseUnicode', noPush],
    [
      '18-19',
      'several rewrites',
      by('rewrite', 'runs steps in order, each on what the one before left'),
      by('rewrite', 'takes objects apart: strings as they are, numbers as doubles, nested values as HTML-safe JSON'),
    ],
    ['20-24', 'rewrite by regexp', by('rewrite', 'replaces %s')],
    ['25', 'a chain', by('rewrite', 'runs steps in order, each on what the one before left')],
    ['26', 'transform', by('rewrite', 'asks the renderer for each key'), recorded('rewrite-*')],
    [
      '27',
      'merge',
      by('rewrite', 'takes objects apart: strings as they are, numbers as doubles, nested values as HTML-safe JSON'),
    ],
    ['28', 'priority under Ignore', by('rewrite', 'lets %s win when conflicts are ignored')],
    ['29', 'a priority key that is missing', by('rewrite', 'refuses a priority key that is not there')],
    ['30', 'IgnoreNotFound', by('rewrite', 'lets %s win when conflicts are ignored')],
    ['31', 'a conflict', by('rewrite', 'refuses members that meet, naming them in order')],
    [
      '32',
      'strategy JSON',
      by('rewrite', 'adds one compact object under into, without HTML escapes, and keeps the rest'),
    ],
    ['33', 'JSON without into', by('rewrite', 'refuses strategy JSON without into')],
    ['34', 'JSON that is none', by('rewrite', 'refuses %j, naming the key and not the value')],
    [
      '35-43',
      'JSON as bytes of a Secret',
      by('rewrite', 'takes objects apart: strings as they are, numbers as doubles, nested values as HTML-safe JSON'),
    ],
    ['44-47', 'members of a JSON object', by('jsonText', 'are those that Go reads from %j')],
    [
      '48-51',
      'namespaces of references',
      by('references', 'resolves: %s'),
      by('references', 'refuses that a SecretStore reaches into %j'),
    ],
    ['52-53', 'a caProvider in another namespace', by('credentials', 'refuses %s')],
    [
      '54-73',
      'decoding, alone and over a map',
      by('decoding', 'in the alphabet %s decodes, or is refused, as in Go'),
      by('decoding', 'Auto decodes what either alphabet allows and leaves the rest alone'),
      by('decoding', 'that nobody knows is refused'),
      by('selection', 'lays answers over each other: %s'),
    ],
  ]),
  ...rowsOf('ces', [
    [
      '1-2',
      'names and metadata of the ExternalSecrets',
      by(
        'cesPlan',
        'carries the labels and annotations of the spec, and force-sync as the ClusterExternalSecret has it',
      ),
      by('ces', 'provisions the namespaces that are chosen, and cleans up'),
    ],
    ['3', 'another name', by('ces', 'moves its ExternalSecrets to another name')],
    ['4', 'an edit reaches them', by('cesPlan', 'is brought back when %s'), recorded('ces-0025')],
    ['5', 'one of somebody else', by('ces', 'neither takes over nor deletes an ExternalSecret that it does not own')],
    ['6', 'one that is deleted', by('ces', 'brings back an ExternalSecret that was edited, labelled or deleted')],
    ['7', 'a namespace that is chosen no more', by('ces', 'provisions the namespaces that are chosen, and cleans up')],
    ['8-11', 'selectors and names', by('cesPlan', 'are chosen %s')],
    ['12-13', 'force-sync', by('ces', 'hands force-sync on, and takes it back'), recorded('ces-0024')],
    ['14', 'series', by('series', 'tells Ready of a ClusterExternalSecret, and that of its failure')],
  ]),
];

/** The numbers of a row. */
export function numbersOf({ cases }: Pick<Row, 'cases'>): readonly number[] {
  const [first = 0, last = first] = cases.split('-').map(Number);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
