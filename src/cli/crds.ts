// `escapement crds`: the CustomResourceDefinitions as one YAML stream, ready for kubectl apply -f -.
import { stringify } from 'yaml';
import { customResourceDefinitions } from '../crds/kinds.ts';

export function printCrds(): string {
  return customResourceDefinitions()
    .map((crd) => stringify(crd, { aliasDuplicateObjects: false, compat: 'yaml-1.1', lineWidth: 0 }))
    .join('---\n');
}
