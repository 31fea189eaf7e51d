// Openings of one evaluation that are the same: what several documents import and call alike is asked for once, and all get
// one answer, so that they hold the same credential.
import { createHash } from 'node:crypto';
import type { EscValue } from '../../core/esc/value.ts';

/** Runs what is the same once; a failure is everybody's. */
export class SameOpenings {
  readonly #running = new Map<string, Promise<EscValue>>();

  /** `namespace` stands for the identity in whose name it is opened. */
  run(
    {
      provider,
      namespace,
      inputs,
    }: { readonly provider: string; readonly namespace: string; readonly inputs: EscValue },
    open: () => Promise<EscValue>,
  ): Promise<EscValue> {
    const key = JSON.stringify([provider, namespace, digestOf(inputs)]);
    const running = this.#running.get(key) ?? open();
    this.#running.set(key, running);
    return running;
  }
}

/** Equal for equal values with equal flags; members stand in one order. Holds nothing of them. */
function digestOf(value: EscValue): string {
  const hash = createHash('sha256');
  const add = (each: EscValue): void => {
    const { data } = each;
    hash.update(`${data.kind}${each.secret ? '!' : ''}(`);
    if (data.kind === 'boolean') hash.update(String(data.value));
    else if (data.kind === 'number') hash.update(data.text);
    else if (data.kind === 'string') {
      const bytes = data.bytes ?? Buffer.from(data.text, 'utf8');
      hash.update(`${bytes.length}:`).update(bytes);
    } else if (data.kind === 'array') for (const element of data.elements) add(element);
    else {
      for (const [name, member] of each.members) {
        hash.update(`${Buffer.byteLength(name)}:${name}`);
        add(member);
      }
    }
    hash.update(')');
  };
  add(value);
  return hash.digest('base64url');
}
