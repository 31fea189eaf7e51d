// Our CRDs as far as ESO's say the same: no observedGeneration, no default of the status, and an enum of condition types.
import { parseAllDocuments, stringify } from 'yaml';

/** The manifests, YAML documents in one text, in the shape that ESO's have. */
export function inShapeOfEso(manifests: string): string {
  return parseAllDocuments(manifests)
    .map((document) => {
      const crd = document.toJS();
      for (const version of crd.spec.versions) {
        const { status } = version.schema.openAPIV3Schema.properties;
        if (status.properties === undefined) continue; // nothing is reported of the kind
        const condition = status.properties.conditions.items.properties;
        delete status.default;
        delete status.properties.observedGeneration;
        delete condition.observedGeneration;
        condition.type.enum = crd.spec.names.kind === 'ExternalSecret' ? ['Ready', 'Deleted'] : ['Ready'];
      }
      return stringify(crd, { aliasDuplicateObjects: false });
    })
    .join('---\n');
}
