// A document as it came, read when it is first needed and where: in the process that holds it, or from its text in a worker
// thread. Who holds it knows what it names without having read it.
import { importTarget } from '../environment-names.ts';
import type { RevisionData } from '../environment-revisions.ts';
import type { documentOfData } from './declare.ts';
import type { EscDocument } from './expression.ts';

/** A source without what was made of it. */
export interface PackedSource {
  readonly name: string;
  readonly namespace: string;
  readonly text: string;
}

/** The reader of ./declare.ts, which is loaded only where documents are read. */
type ReadData = typeof documentOfData;

export class DocumentSource {
  readonly name: string;
  /** In which a bare import means a name. */
  readonly namespace: string;
  #data: RevisionData | undefined;
  #text: string | undefined;
  #document: EscDocument | undefined;

  constructor(name: string, namespace: string, held: { readonly data: RevisionData } | { readonly text: string }) {
    this.name = name;
    this.namespace = namespace;
    if ('data' in held) this.#data = held.data;
    else this.#text = held.text;
  }

  get data(): RevisionData {
    this.#data ??= JSON.parse(this.#text ?? '{}') as RevisionData; // the text was made of such data
    return this.#data;
  }

  /** The document, read once, by `read`; what it costs is paid by who asks first. */
  document(read: ReadData): EscDocument {
    this.#document ??= read(this.name, this.data, (written) => importTarget(written, this.namespace));
    return this.#document;
  }

  /** Makes the text, which takes some ms of a large document; false when it was there. */
  makeText(): boolean {
    const isNew = this.#text === undefined;
    this.#text ??= JSON.stringify(this.#data);
    return isNew;
  }

  /** Whether the document is at hand. */
  get isRead(): boolean {
    return this.#document !== undefined;
  }

  pack(): PackedSource {
    this.makeText();
    return { name: this.name, namespace: this.namespace, text: this.#text ?? '' };
  }
}
