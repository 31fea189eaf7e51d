// `fn::secret` around text that stands in the document as it is. In a file that is encrypted before it is saved that is
// ESC's own way; in a custom resource everybody reads it who may read the resource.
import { writePath } from './diagnostics.ts';
import { pay, unitsPerValue } from './effort.ts';
import type { EscDocument, Expression } from './expression.ts';

/** The places, in the order of the document. */
export function plainSecretPaths({ values }: EscDocument): readonly string[] {
  const found: string[] = [];
  const rest: Expression[] = [values];
  for (let each = rest.pop(); each !== undefined; each = rest.pop()) {
    pay(unitsPerValue);
    if (each.kind === 'call' && each.call.name === 'plaintext' && each.call.text !== '')
      found.push(writePath(each.path));
    rest.push(...childrenOf(each).reverse());
  }
  return found;
}

function childrenOf(expression: Expression): Expression[] {
  if (expression.kind === 'array') return [...expression.elements];
  if (expression.kind === 'object') return [...expression.entries.values()];
  if (expression.kind !== 'call') return [];
  const { call } = expression;
  if ('args' in call) return [...call.args];
  if (call.name === 'open') return [call.inputs];
  if (call.name === 'rotate') return call.state === undefined ? [call.inputs] : [call.inputs, call.state];
  return [];
}
