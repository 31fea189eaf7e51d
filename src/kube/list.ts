// Lists a collection page by page. Nothing is held but the page at hand, however big the collection is.
import { OperatorError } from '../base/operator-error.ts';
import { isExpired } from './api-error.ts';
import { callList, type ListMetadata } from './call.ts';
import { collectionPath, withQuery } from './path.ts';
import type { Transport } from './transport.ts';
import type { KubeObject, Resource } from './types.ts';

/** Which part of a collection. */
export interface Selection {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Of each object nothing but its metadata is asked for, whatever its kind holds. */
  readonly metadataOnly?: boolean;
}

/** What the server is to answer with: whole objects, or PartialObjectMetadata; a watch sends single objects. */
export function acceptOf({ metadataOnly }: Selection, as: 'list' | 'watch'): string {
  if (metadataOnly !== true) return 'application/json';
  const kind = as === 'list' ? 'PartialObjectMetadataList' : 'PartialObjectMetadata';
  return `application/json;as=${kind};g=meta.k8s.io;v=v1`;
}

const pageSize = 500;
/** Bounds the memory of a page; when objects are bigger, pages get fewer of them. */
const pageMaxBytes = 16 * 2 ** 20;
/** 8 objects at the 1.5 MB that etcd takes fit a page. */
const smallestPage = 8;

/** A listing that has begun anew. */
export interface ListHandlers {
  /** The list begins again from its start: what was handed out before may be out of date. */
  readonly restart: () => void;
  readonly object: (object: KubeObject) => void;
}

/** How often a list begins again because its continue token expired, before the caller's backoff has its say. */
const restartsMax = 3;

/** Hands out every object and returns the resourceVersion to watch from. Throws as `Kube` says, and `ApiError` 410. */
export async function listAll(
  transport: Transport,
  selection: Selection,
  handlers: ListHandlers,
  signal: AbortSignal,
): Promise<string> {
  let limit = pageSize;
  let token: string | undefined;
  let restarts = 0;
  for (;;) {
    const take = (item: KubeObject) => handlers.object(withKind(item, selection.resource));
    const page = await nextPage(transport, selection, { limit, token, take }, signal).catch((thrown: unknown) => {
      if (thrown instanceof OperatorError && thrown.reason === 'AnswerTooLarge' && limit > smallestPage)
        return 'smaller';
      if (isExpired(thrown) && token !== undefined && restarts < restartsMax) return 'again';
      throw thrown;
    });
    if (page === 'smaller') {
      limit = Math.max(smallestPage, limit >> 2);
    } else if (page === 'again') {
      restarts++;
      token = undefined;
      handlers.restart();
    } else {
      token = page.continue;
      if (token === undefined || token === '') return page.resourceVersion ?? '';
    }
  }
}

interface Page {
  readonly limit: number;
  readonly token: string | undefined;
  readonly take: (item: KubeObject) => void;
}

async function nextPage(
  transport: Transport,
  selection: Selection,
  { limit, token, take }: Page,
  signal: AbortSignal,
): Promise<ListMetadata> {
  const { resource, namespace, labelSelector, fieldSelector } = selection;
  // No resourceVersion: with `0` the server ignores the limit and sends the whole collection at once.
  const query = { labelSelector, fieldSelector, limit: String(limit), continue: token };
  const call = {
    method: 'GET',
    path: withQuery(collectionPath(resource, namespace), query),
    mayReplay: true,
    accept: acceptOf(selection, 'list'),
    maxBytes: pageMaxBytes,
    attempt: { verb: 'list', plural: resource.plural },
  } as const;
  const { metadata = {} } = await callList(transport, call, take, signal);
  return metadata;
}

/** Items of a list carry no apiVersion and kind; watch events do. Added here, so that readers see one shape. */
function withKind(item: KubeObject, { group, version, kind }: Resource): KubeObject {
  return Object.assign(item, { apiVersion: group === '' ? version : `${group}/${version}`, kind });
}
