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

/** Cases that ask for something that this version refuses: Ready=False with reason Unsupported, the Secret untouched. */
export interface Later {
  readonly needs: string;
  /** What the condition's message names, in full. */
  readonly refused: RegExp;
  /** Case ids; `tpl-*` stands for a whole category. */
  readonly cases: readonly string[];
}

export const later: readonly Later[] = [
  {
    needs: 'functions of templates',
    refused: /^function "\w+"$/,
    cases: [
      'tpl-0005 tpl-0006 tpl-0009 tpl-0011 tpl-0012-3 tpl-0018 tpl-0020 tpl-0022-1 tpl-0022-2 tpl-0022-3',
      'tpl-0023-2 tpl-0026-1 tpl-0027-2 tpl-0027-4 tpl-0027-5 tpl-0030 tpl-0031-1 tpl-0031-2 tpl-0032',
      'tpl-0034-3 tpl-0035-1 tpl-0035-3 tpl-0036-2 tpl-0036-3 tpl-0036-5 tpl-0037-4 tpl-0038-7 tpl-0039-4',
      'tpl-0039-5 tpl-0040 tpl-0041 tpl-0044 tpl-0045-1 tpl-0045-2 tpl-0046-2 tpl-0047-2 tpl-0047-5',
      'tpl-0048 tpl-0049-2 tpl-0049-3 tpl-0050-2 tpl-0053-2 tpl-0054 tpl-0057-1 tpl-0058-4 tpl-0062-1',
      'tpl-0063-5 tpl-0063-6 tpl-0067-1 tpl-0072 tpl-0074 tpl-0076 tpl-0101-1 tpl-0101-2 tpl-0102-1',
      'tpl-0102-2 tpl-0105 tpl-0106 tpl-0107 tpl-0109 tpl-0110 tpl-0111-3 tpl-0116-1 tpl-0118 tpl-0119',
      'tpl-0121 tpl-0123 tpl-0141-8 tpl-0142-1 tpl-0142-2 tpl-0142-3 tpl-0142-4 tpl-0142-5 tpl-0142-7',
      'tpl-0143-1 tpl-0143-2 tpl-0143-8 tpl-0144-1 tpl-0144-4 tpl-0144-5 tpl-0145-6 tpl-0146-1 tpl-0147-2',
      'tpl-0150-7 tpl-0152-1 tpl-0152-7 tpl-0153-2 tpl-0153-4 tpl-0154-1 tpl-0154-5 tpl-0155-5 tpl-0156-1',
      'tpl-0156-2 tpl-0157-2 tpl-0157-4 tpl-0158-1 tpl-0158-2 tpl-0158-4 tpl-0159-3 tpl-0161-2 tpl-0164-1',
      'tpl-0165-3 tpl-0165-4 tpl-0166-3 tpl-0166-4 tpl-0168-5 tpl-0170-2 tpl-0171-3 tpl-0171-6 tpl-0172-2',
      'tpl-0172-3 tpl-0172-5 tpl-0176 tpl-0178 tpl-0179 tpl-0222-1 tpl-0223-3 tpl-0223-4 tpl-0224-2',
      'tpl-0228 tpl-0230-4 tpl-0233 tpl-0235 tpl-0236-1 tpl-0236-2 tpl-0238-1 tpl-0240-3 tpl-0242-1',
      'tpl-0244-4 tpl-0248-2 tpl-0248-4 tpl-0248-5 tpl-0251 tpl-0252-1 tpl-0253 tpl-0257-1 tpl-0257-4',
      'tpl-0259-2 tpl-0260 tpl-0264-1 tpl-0269-1 tpl-0269-4 tpl-0302 tpl-0303 tpl-0305-3 tpl-0306 tpl-0310',
      'tpl-0311-1 tpl-0313-1 tpl-0314-2 tpl-0318 tpl-0319-2 tpl-0320-2 tpl-0321-2 tpl-0325 tpl-0326-1',
      'tpl-0326-3 tpl-0330 tpl-0332-2 tpl-0334 tpl-0361-2 tpl-0361-4 tpl-0361-8 tpl-0362-3 tpl-0364-1',
      'tpl-0364-2 tpl-0365-3 tpl-0366-1 tpl-0366-3 tpl-0367 tpl-0369 tpl-0381-5 tpl-0381-7 tpl-0383-6',
      'tpl-0383-7 tpl-0385-3 tpl-0387-1 tpl-0387-2 tpl-0387-6 tpl-0401-1 tpl-0401-6 tpl-0402-1 tpl-0402-3',
      'tpl-0403-3 tpl-0406-1 tpl-0406-2 tpl-0407-1 tpl-0408-1 tpl-0408-2 tpl-0413-2 tpl-0413-7 tpl-0421-6',
      'tpl-0422 tpl-0423 tpl-0424-2 tpl-0425 tpl-0430 tpl-0432-3 tpl-0435-2 tpl-0439 tpl-0464-1 tpl-0464-2',
      'tpl-0464-3 tpl-0467-4 tpl-0470-1 tpl-0470-2 tpl-0470-3 tpl-0473-1 tpl-0474 tpl-0475-1 tpl-0477-2',
      'tpl-0478-2 tpl-0478-4 tpl-0479-1 tpl-0479-4 tpl-0481-2 tpl-0501-3 tpl-0502-2 tpl-0502-3 tpl-0502-4',
      'tpl-0502-5 tpl-0502-7 tpl-0502-10 tpl-0503-3 tpl-0503-5 tpl-0504 tpl-0505-3 tpl-0505-5 tpl-0506-2',
      'tpl-0510-1 tpl-0511 tpl-0512 tpl-0514-3 tpl-0515 tpl-0516-3 tpl-0517-2 tpl-0517-4 tpl-0517-5',
      'tpl-0517-6 tpl-0519 tpl-0520 tpl-0531-1 tpl-0532-1 tpl-0532-3 tpl-0533-1 tpl-0533-2 tpl-0537',
      'tpl-0540-2 tpl-0542-4 tpl-0542-5 tpl-0542-6 tpl-0543-1 tpl-0543-2 tpl-0543-3 tpl-0543-4 tpl-0543-5',
      'tpl-0544-2 tpl-0548-1 tpl-0548-3 tpl-0561-2 tpl-0563 tpl-0567-2 tpl-0567-3 tpl-0567-4 tpl-0569',
      'tpl-0573 tpl-0576 tpl-0579 tpl-0580 tpl-0581-2 tpl-0603 tpl-0604 tpl-0605 tpl-0612 tpl-0616 tpl-0620',
      'tpl-0623 tpl-0625 tpl-0626 tpl-0628 tpl-0630 tpl-0632 tpl-0635 tpl-0636-2 tpl-0637-2 tpl-0637-3',
      'tpl-0639 tpl-0642 tpl-0656 tpl-0666 tpl-0667 tpl-0668 tpl-0669 tpl-0675 tpl-0676 tpl-0677 tpl-0678',
      'tpl-0682 tpl-0684 tpl-0701 tpl-0706 tpl-0713 tpl-0721 tpl-0723 tpl-0724 tpl-0725 tpl-0729 tpl-0730',
      'tpl-0739 tpl-0741 tpl-0809-1 tpl-0813 tpl-0815 tpl-0819 tpl-0820 tpl-0821 tpl-0841-2 tpl-0861',
      'tpl-0911 tpl-0912-1 tpl-0917-3 tpl-0949-3 tpl-0950 tpl-0963-2 tpl-0963-3 tpl-0981 tpl-0982-4',
      'tpl-0983-2 tpl-0983-3 tpl-1001 tpl-1002 tpl-1005 tpl-1006 tpl-1089 tpl-1090 tpl-1096 place-0010',
      'place-0115 rewrite-0038 rewrite-0043 rewrite-0044 rewrite-0045 rewrite-0047 rewrite-0051',
    ].flatMap(words),
  },
  { needs: 'manifest targets', refused: /^spec\.target\.manifest$/, cases: words('place-0116') },
];

/** Of the above, those whose Secret was synced by an earlier spec and has to be there still. */
export const syncedBefore: ReadonlySet<string> = new Set<string>();

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
    cases: words(
      'policy-0018 policy-0088 policy-0096 policy-0097 policy-0100 policy-0102 del-0011 del-0018 del-0025 del-0044 del-0046',
    ),
    aspects: ['metadata'],
    eso: 'puts its label on a Secret that it found before it has anything to write into it',
    ours: 'a Secret of somebody else is left alone until there are values for it',
    why: 'a Secret into which nothing is written is not touched, least of all by a failing read or under `None`',
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
