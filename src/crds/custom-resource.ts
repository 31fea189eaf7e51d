// A kind and its CustomResourceDefinition. Where a kind has an older version, both have one shape, so no conversion is
// needed; the older one carries no descriptions, which keeps the whole below what a plain `kubectl apply` can annotate (256 KiB).
import type * as z from 'zod/mini';
import { initialStatus } from './condition.ts';
import type { KindResource } from './object.ts';
import { type Structural, structural, withoutDescriptions } from './structural.ts';

interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  /** 1 for a column that only `kubectl get -o wide` shows. */
  readonly priority?: 1;
}

/** All that is said of a kind. */
export interface Kind {
  readonly resource: KindResource;
  readonly shortNames: readonly string[];
  /** Categories (`kubectl get <category>`) besides that of all our kinds. */
  readonly moreCategories?: readonly string[];
  /** A version that is served beside that of `resource`, for manifests of old; absent where there was none. */
  readonly olderVersion?: string;
  readonly description: string;
  readonly spec: z.ZodMiniType;
  /** Absent for kinds whose status nobody writes. */
  readonly status?: z.ZodMiniType;
  readonly columns: readonly PrinterColumn[];
  /** Paths that field selectors may name (`kubectl get --field-selector`). */
  readonly selectableFields?: readonly string[];
}

interface Version {
  readonly name: string;
  readonly storage: boolean;
  readonly [key: string]: unknown;
}

/** An apiextensions.k8s.io/v1 object, ready to be applied. */
export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly group: string;
    readonly versions: readonly Version[];
    readonly [key: string]: unknown;
  };
}

export function customResourceDefinition(kind: Kind): CustomResourceDefinition {
  const { group, version, plural, namespaced } = kind.resource;
  const { olderVersion } = kind;
  const schema = objectSchema(kind);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, labels: { 'external-secrets.io/component': 'controller' } },
    spec: {
      group,
      names: namesOf(kind),
      scope: namespaced ? 'Namespaced' : 'Cluster',
      conversion: { strategy: 'None' },
      versions: [
        { name: version, served: true, storage: true, ...shared(kind, schema) },
        ...(olderVersion === undefined
          ? []
          : [
              {
                name: olderVersion,
                served: true,
                storage: false,
                deprecated: true,
                deprecationWarning: `${group}/${olderVersion} ${kind.resource.kind} is deprecated: write ${group}/${version}, which has the same fields`,
                ...shared(turned(kind), withoutDescriptions(schema)),
              },
            ]),
      ],
    },
  };
}

function namesOf({ resource, shortNames, moreCategories = [] }: Kind): object {
  const { plural, kind } = resource;
  return {
    plural,
    singular: kind.toLowerCase(),
    kind,
    listKind: `${kind}List`,
    ...(shortNames.length > 0 && { shortNames }),
    categories: ['external-secrets', ...moreCategories],
  };
}

// Where all versions list the same selectable fields, the API server moves the list above the versions, and then refuses
// it there unless their schemas are the same to the letter. Another order is enough to keep each list in its place.
function turned(kind: Kind): Kind {
  return kind.selectableFields === undefined ? kind : { ...kind, selectableFields: kind.selectableFields.toReversed() };
}

function shared({ columns, selectableFields }: Kind, openAPIV3Schema: Structural): object {
  return {
    schema: { openAPIV3Schema },
    ...(columns.length > 0 && { additionalPrinterColumns: columns }),
    ...(selectableFields !== undefined && { selectableFields: selectableFields.map((jsonPath) => ({ jsonPath })) }),
    subresources: { status: {} },
  };
}

/** Schema of the whole object; `spec` is not required, as in ESO's CRDs. */
export function objectSchema({ description, spec, status }: Kind): Structural {
  return {
    type: 'object',
    description,
    properties: {
      apiVersion: { type: 'string', description: 'Group and version of the object.' },
      kind: { type: 'string', description: 'Kind of the object.' },
      metadata: { type: 'object' },
      spec: structural(spec),
      status:
        status === undefined
          ? { type: 'object', description: 'Nothing is reported of this kind.' }
          : { default: initialStatus, ...structural(status) },
    },
  };
}
