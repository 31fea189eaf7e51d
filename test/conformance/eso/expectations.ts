// What is known about the recorded cases of ESO: how many there are, which ask for what is not served yet, and which differ
// on purpose. docs/conformance.md is made from these tables, and a run of the cases fails where they are not exact.
import type { Aspect } from './compare.ts';

export interface Category {
  readonly title: string;
  readonly cases: number;
}

/** Every category of the recordings, by the prefix of its case ids. */
export const categories: Readonly<Record<string, Category>> = {
  data: { title: 'single keys', cases: 9 },
  extract: { title: 'a value taken apart', cases: 11 },
  find: { title: 'searches', cases: 10 },
  name: { title: 'names of targets and ExternalSecrets', cases: 2 },
  prop: { title: 'properties of JSON values', cases: 36 },
  dec: { title: 'decoding and null bytes', cases: 32 },
  from: { title: 'order of several sources', cases: 4 },
  rewrite: { title: 'rewriting of keys', cases: 31 },
  store: { title: 'SecretStores', cases: 8 },
  css: { title: 'ClusterSecretStores and who may use them', cases: 6 },
  crd: { title: 'what the API server accepts', cases: 23 },
  refresh: { title: 'refresh policies and intervals', cases: 5 },
  upd: { title: 'later edits', cases: 20 },
  policy: { title: 'creation policies', cases: 34 },
  del: { title: 'deletion policies', cases: 35 },
  place: { title: 'where templates go', cases: 32 },
  tpl: { title: 'template functions', cases: 437 },
  ces: { title: 'ClusterExternalSecrets', cases: 3 },
};

/** Cases that end otherwise than in ESO because they should. */
export interface OnPurpose {
  readonly cases: readonly string[];
  readonly aspects: readonly Aspect[];
  /** What ESO does, and what Escapement does. */
  readonly eso: string;
  readonly ours: string;
  readonly why: string;
}

export const onPurpose: readonly OnPurpose[] = [
  {
    cases: ['rewrite-0003'],
    aspects: ['ready'],
    eso: 'drops a key that a rewrite makes empty, and says that it synced',
    ours: 'Ready=False naming the key, the step and the fix',
    why: 'a value that is lost without a word is found missing in production',
  },
  {
    cases: ['rewrite-0048'],
    aspects: ['ready', 'data', 'type', 'metadata'],
    eso: 'drops a key of which a transform makes nothing, and says that it synced',
    ours: 'Ready=False naming the key, the step and the fix; nothing is written',
    why: 'a value that is lost without a word is found missing in production',
  },
  {
    cases: ['upd-0048'],
    aspects: ['metadata'],
    eso: 'does not see that a label which it copied was changed by hand',
    ours: 'the label is put back at once',
    why: 'what is copied from the ExternalSecret is part of what it wants, as its data is',
  },
  {
    cases: ['from-0006'],
    aspects: ['ready', 'data', 'type', 'metadata'],
    eso: 'ignores an entry of `dataFrom` that names no source, once it is past the admission webhook',
    ours: 'Ready=False naming the entry',
    why: 'there is no admission webhook: its rules hold in the controller',
  },
  {
    cases: words('policy-0018 policy-0088 policy-0096 policy-0097 policy-0100 policy-0102 del-0044 del-0046'),
    aspects: ['metadata'],
    eso: 'puts its label on a Secret that it found before it has anything to write into it',
    ours: 'a Secret of somebody else is left alone while the object fails, and under `None`',
    why: 'a failing read, a policy that cannot be carried out and `None` touch nothing',
  },
  {
    cases: words('policy-0030 policy-0051 policy-0072'),
    aspects: ['metadata'],
    eso: 'marks an immutable Secret with its label, and with the hash of data that it then cannot write',
    ours: 'an immutable Secret whose data would change is left as it is',
    why: 'a hash of what is not there makes every later event look like a drift',
  },
  {
    cases: ['data-0025'],
    aspects: ['ready', 'data', 'type', 'metadata'],
    eso: 'makes an empty Secret of an ExternalSecret without data, once it is past the admission webhook',
    ours: 'Ready=False saying that neither data nor dataFrom is there',
    why: 'there is no admission webhook: its rules hold in the controller',
  },
  {
    cases: ['upd-0056'],
    aspects: ['metadata'],
    eso: 'leaves labels and annotations behind that went from the ExternalSecret, when its name has 28 to 63 characters',
    ours: 'takes them off, whatever the length of the name',
    why: 'ESO looks under another field manager than the one that it wrote under',
  },
  {
    cases: ['store-0010'],
    aspects: ['ready', 'data', 'type', 'metadata'],
    eso: 'a store whose `refreshInterval` is no duration never gets a condition, and its ExternalSecrets fail as "not ready"',
    ours: 'the store says what is wrong with the field; its ExternalSecrets sync',
    why: "a store's interval is only that of its validation; one bad field stays alone",
  },
  {
    cases: ['crd-0083'],
    aspects: ['accepted', 'ready'],
    eso: 'refuses a store of a provider that its schema does not know',
    ours: 'accepted and left alone, its status included',
    why: 'it may belong to another controller, and an update of the CRDs must not damage it',
  },
  {
    cases: ['crd-0086'],
    aspects: ['ready'],
    eso: 'panics over an ExternalSecret without `spec`, recovers, and never reports',
    ours: 'Ready=False saying that neither data nor dataFrom is there',
    why: 'one bad object gets a clear condition of its own',
  },
  {
    cases: ['crd-0087'],
    aspects: ['accepted', 'ready'],
    eso: 'refuses `external-secrets.io/v1beta1`',
    ours: 'serves it, with the schema of `v1`',
    why: 'manifests of the older version go on working',
  },
];

/** Whether a list of case ids, as the tables above write them, holds an id. */
export function lists(cases: readonly string[], id: string): boolean {
  return cases.some((entry) => (entry.endsWith('*') ? id.startsWith(entry.slice(0, -1)) : entry === id));
}

/** The prefix that names a case's category. */
export function categoryOf(id: string): string {
  return id.slice(0, id.indexOf('-'));
}

function words(text: string): readonly string[] {
  return text.split(' ');
}
