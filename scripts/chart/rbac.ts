// Why the chart's roles hold what they hold: every verb, the reason, and the one end-to-end test that fails without it.
// What a kind needs stands in its row of `src/controller/kinds.ts`, the rest here. The reference page and the chart's rules are
// made of it; `scripts/rbac-proof.ts` takes each verb away in turn and runs its test.
import { kinds } from '../../src/controller/kinds.ts';
import type { KindRow } from '../../src/controller/kit/kind.ts';
import { generatorKinds } from '../../src/crds/generators/table.ts';
import type { KindResource } from '../../src/crds/object.ts';

export interface VerbRow {
  /** As RBAC writes it: `externalsecrets/status`. The core group is empty. */
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  /** The values of the chart that bring it, each by itself; without one it is in every release. */
  readonly when?: readonly string[];
  readonly why: string;
  /** The test that needs it: file below test/e2e, and the end of its full name. */
  readonly test: { readonly file: string; readonly name: string };
}

const generators = 'generators.external-secrets.io';
export const leases = 'coordination.k8s.io';

const inRights = (name: string) => ({ file: 'rights.test.ts', name });
/** Newer clusters fill a cache by a watch (WatchList); those before 1.32 do not. */
const needsList = inRights('is served by an operator that may list');

/** A generator is followed for as long as an ExternalSecret names it. */
const generatorRows = (resource: string, when?: readonly string[]): readonly VerbRow[] => {
  const about = { group: generators, resource, ...(when === undefined ? {} : { when }) };
  return [
    { ...about, verb: 'list', why: 'the generator that an ExternalSecret names is read', test: needsList },
    {
      ...about,
      verb: 'watch',
      why: 'the creation or repair of a generator wakes its ExternalSecrets',
      test: inRights('takes values from every kind of generator'),
    },
  ];
};

/** What every controller may need, whichever kinds are reconciled. */
const shared: readonly VerbRow[] = [
  ...Object.values(generatorKinds)
    .filter(({ resource }) => resource.namespaced)
    .flatMap(({ resource }) => generatorRows(resource.plural)),
  {
    group: '',
    resource: 'secrets',
    verb: 'get',
    why: 'a Secret of the target name that has not our label is looked at before it is taken over',
    test: inRights('adopts a Secret that was there'),
  },
  {
    group: '',
    resource: 'secrets',
    verb: 'list',
    why: 'the cache of our own Secrets is filled; credentials that a store names are read, one by one',
    test: needsList,
  },
  {
    group: '',
    resource: 'secrets',
    verb: 'watch',
    why: 'drift is mended and rotated credentials are used at once',
    test: inRights('mends a Secret that somebody changed'),
  },
  {
    group: '',
    resource: 'secrets',
    verb: 'create',
    why: 'the target Secret is created',
    test: inRights('keeps the Secret of an ExternalSecret'),
  },
  {
    group: '',
    resource: 'secrets',
    verb: 'update',
    why: 'the target Secret follows its source',
    test: inRights('mends a Secret that somebody changed'),
  },
  {
    group: '',
    resource: 'secrets',
    verb: 'delete',
    why: 'the Secret of an earlier target name is removed',
    test: inRights('removes the Secret of an earlier target name'),
  },
  {
    group: '',
    resource: 'configmaps',
    verb: 'list',
    why: 'the CA bundle that a store names is read',
    test: needsList,
  },
  {
    group: '',
    resource: 'configmaps',
    verb: 'watch',
    why: 'a new CA bundle is used at once',
    test: inRights('trusts a CA from a ConfigMap, and follows it'),
  },
  ...(
    [
      [
        'get',
        'a ConfigMap of the target name is looked at before it is written',
        'makes a ConfigMap, and follows source and drift',
      ],
      ['create', 'the target ConfigMap is created', 'makes a ConfigMap, and follows source and drift'],
      ['update', 'the target ConfigMap follows its source', 'makes a ConfigMap, and follows source and drift'],
      ['delete', 'the ConfigMap of an earlier target name is removed', 'removes the object of an earlier target name'],
    ] as const
  ).map(([verb, why, name]) => ({
    group: '',
    resource: 'configmaps',
    verb,
    when: ['genericTargets.enabled'],
    why,
    test: { file: 'manifest-targets.test.ts', name },
  })),
  {
    group: '',
    resource: 'events',
    verb: 'create',
    why: 'what changed is told where `kubectl describe` shows it',
    test: inRights('tells by events, and counts those that repeat'),
  },
  {
    group: '',
    resource: 'events',
    verb: 'patch',
    why: 'an event that repeats is counted up, not written again',
    test: inRights('tells by events, and counts those that repeat'),
  },
  {
    group: '',
    resource: 'serviceaccounts/token',
    verb: 'create',
    when: ['rbac.serviceAccountTokenCreate'],
    why: 'a store logs in as the ServiceAccount that it names (`serviceAccountRef`)',
    test: inRights('logs in as the ServiceAccount that a store names'),
  },
  {
    group: '',
    resource: 'serviceaccounts',
    verb: 'list',
    when: ['rbac.serviceAccountTokenCreate'],
    why: 'the ServiceAccount that a store names is looked for',
    test: needsList,
  },
  {
    group: '',
    resource: 'serviceaccounts',
    verb: 'watch',
    when: ['rbac.serviceAccountTokenCreate'],
    why: 'its creation wakes the store',
    test: inRights('logs in as the ServiceAccount that a store names'),
  },
  ...generatorRows(generatorKinds.ClusterGenerator.resource.plural, ['processClusterStore']),
  {
    group: '',
    resource: 'namespaces',
    verb: 'list',
    when: ['processClusterStore', 'processClusterExternalSecret'],
    why: "a store's conditions, and selectors of ClusterExternalSecrets, choose namespaces by label",
    test: needsList,
  },
  {
    group: '',
    resource: 'namespaces',
    verb: 'watch',
    when: ['processClusterStore', 'processClusterExternalSecret'],
    why: 'a namespace that gets or loses the label gains or loses the store, or its ExternalSecret, at once',
    test: inRights('serves a ClusterSecretStore with conditions on namespaces'),
  },
  {
    group: leases,
    resource: 'leases',
    verb: 'create',
    when: ['leaderElect'],
    why: "the Lease is made once, in the release's namespace only",
    test: inRights('leads by a Lease and gives it back'),
  },
  {
    group: leases,
    resource: 'leases',
    verb: 'get',
    when: ['leaderElect'],
    why: 'a replica looks who leads; this Lease only',
    test: inRights('leads by a Lease and gives it back'),
  },
  {
    group: leases,
    resource: 'leases',
    verb: 'list',
    when: ['leaderElect'],
    why: 'a follower takes over as soon as the Lease is given back; this Lease only',
    test: needsList,
  },
  {
    group: leases,
    resource: 'leases',
    verb: 'watch',
    when: ['leaderElect'],
    why: 'a follower takes over as soon as the Lease is given back; this Lease only',
    test: inRights('leads by a Lease and gives it back'),
  },
  {
    group: leases,
    resource: 'leases',
    verb: 'update',
    when: ['leaderElect'],
    why: 'the leader renews the Lease and gives it back; this Lease only',
    test: inRights('leads by a Lease and gives it back'),
  },
];

/** What each kind of the table asks for. */
export function verbsOf(rows: readonly KindRow[]): readonly VerbRow[] {
  return rows.flatMap(({ definition, served, rights }) =>
    rights.map(({ on = definition.resource, subresource, verb, why, test, when = served?.value }) => ({
      group: on.group,
      resource: subresource === undefined ? on.plural : `${on.plural}/${subresource}`,
      verb,
      ...(when === undefined ? {} : { when: [when] }),
      why,
      test,
    })),
  );
}

export const verbs: readonly VerbRow[] = [...verbsOf(Object.values(kinds)), ...shared];

export const viewVerbs = ['get', 'list', 'watch'] as const;
export const editVerbs = ['create', 'update', 'patch', 'delete', 'deletecollection'] as const;
/** What people may see, and what they may write where a namespace is theirs. */
export const viewed: readonly KindResource[] = Object.values(kinds).map(({ definition }) => definition.resource);
export const edited = viewed.filter(({ namespaced }) => namespaced);

/** `docs/reference/rbac.md`, without its heading comment. */
export function rbacPage(): string {
  return [
    '# What the operator may do',
    '',
    'Every verb of the roles that the chart renders, what it is for, the value that brings it, and the end-to-end test that fails',
    'without it (`node scripts/rbac-proof.ts` takes each one away and runs the test). There is no wildcard. With `scopedRBAC`',
    'the same rules stand in a Role, and no ClusterRole is rendered. What an installed operator may do, asked of the cluster:',
    '',
    '```',
    'kubectl auth can-i --list --as=system:serviceaccount:escapement-system:escapement --namespace=my-namespace',
    '```',
    '',
    '| group | resource | verb | with | why | test |',
    '| --- | --- | --- | --- | --- | --- |',
    ...verbs.map(
      ({ group, resource, verb, when, why, test }) =>
        `| ${group || 'core'} | ${resource} | ${verb} | ${when === undefined ? 'always' : when.map((value) => `\`${value}\``).join(', ')} | ${why} | ${test.file}: ${test.name} |`,
    ),
    '',
    '## For leases of Vault',
    '',
    'With `keptLeases`, a Role in the namespace of the release allows `get` and `update` of the one Secret that the chart makes for',
    'them, and `--leases-secret` names (lasting-leases.test.ts).',
    '',
    '## For targets of other kinds',
    '',
    'With `genericTargets.enabled`, each entry of `genericTargets.resources` adds a rule of its own for the kinds that it names:',
    '`get`, `list`, `watch`, `create`, `update` and `delete`, or the verbs that it lists.',
    '',
    '## For people',
    '',
    'Two more ClusterRoles give nothing to the operator. With `rbac.aggregateToView` whoever has one of Kubernetes’ roles `view`,',
    `\`edit\` or \`admin\` may \`${viewVerbs.join('`, `')}\` these kinds:`,
    '',
    ...listOf(viewed),
    '',
    'With `rbac.aggregateToEdit` whoever has `edit` or `admin` may also',
    `\`${editVerbs.join('`, `')}\` these, in the namespaces where the role is theirs:`,
    '',
    ...listOf(edited),
    '',
    'Neither is rendered with `scopedRBAC`.',
    '',
  ].join('\n');
}

function listOf(resources: readonly KindResource[]): string[] {
  return resources.map(({ plural, group }) => `- \`${plural}.${group}\``);
}
