// A cluster of which nothing can be read, for stores of providers that look at none.
import type { ClusterSources } from '../../src/providers/contract.ts';

const refuse = () => Promise.reject(new Error('nothing of the cluster is read here'));

export const noCluster: ClusterSources = {
  readEnvironment: refuse,
  readRevision: refuse,
  readData: refuse,
  namespaceLabels: refuse,
  credentialsIn() {
    throw new Error('no credentials here');
  },
};
