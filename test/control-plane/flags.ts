// The flags that each program of the test control plane is started with, and why. Reference for all of them:
// https://kubernetes.io/docs/reference/command-line-tools-reference/ and https://etcd.io/docs/v3.6/op-guide/configuration/
import { join } from 'node:path';

/** Files inside the control plane's directory. Relative names, so that one listing shows the layout. */
export const layout = {
  kubeconfig: 'kubeconfig',
  kubectl: 'kubectl',
  kubectlCache: 'kubectl-cache',
  auditLog: 'audit.log',
  auditPolicy: 'audit-policy.json',
  certificates: 'certificates',
  /** A self-signed certificate followed by its CA: what clients are to trust. The API server writes it. */
  servingCertificate: join('certificates', 'apiserver.crt'),
  etcdData: 'etcd',
  serviceAccountKey: 'service-account.key',
  tokens: 'tokens.csv',
} as const;

export interface Ports {
  readonly etcd: number;
  readonly apiServer: number;
}

export function etcdFlags(directory: string, ports: Ports): string[] {
  const clientUrl = `http://127.0.0.1:${ports.etcd}`;
  return [
    `--data-dir=${join(directory, layout.etcdData)}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    '--listen-peer-urls=http://127.0.0.1:0', // a single member has no peers; any free port will do
    '--unsafe-no-fsync', // data need to survive this process, not a power cut
    '--log-level=warn',
  ];
}

export interface ApiServerOptions {
  readonly directory: string;
  readonly ports: Ports;
  readonly audit: boolean;
  /** Come last, so that they win over those given here. */
  readonly extra: readonly string[];
}

export function apiServerFlags({ directory, ports, audit, extra }: ApiServerOptions): string[] {
  const path = (name: string): string => join(directory, name);
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${ports.apiServer}`,
    `--cert-dir=${path(layout.certificates)}`,
    '--endpoint-reconciler-type=none', // a loopback address is refused as an endpoint, and nothing here needs one
    '--authorization-mode=RBAC',
    '--allow-privileged=true', // as clusters do: which pods are let in is for pod security to say
    `--token-auth-file=${path(layout.tokens)}`,
    // The issuer is an address that tests can reach, so that OIDC discovery of ServiceAccount tokens works.
    `--service-account-issuer=https://127.0.0.1:${ports.apiServer}`,
    `--service-account-key-file=${path(layout.serviceAccountKey)}`,
    `--service-account-signing-key-file=${path(layout.serviceAccountKey)}`,
    // Measurements compare a client in system:masters, which fair queuing exempts, with an operator that has an
    // ordinary account, which it holds to a share. Without it both meet the same server, and the queues cost no CPU.
    '--enable-priority-and-fairness=false',
    // What is left are two plain limits, here above what tests and benchmarks keep in flight: no 429 from the server.
    '--max-requests-inflight=4000',
    '--max-mutating-requests-inflight=2000',
    '--profiling=false',
    ...(audit
      ? [
          `--audit-policy-file=${path(layout.auditPolicy)}`,
          `--audit-log-path=${path(layout.auditLog)}`,
          '--audit-log-maxsize=4096', // megabytes; a rotation would hide requests from whoever counts them
        ]
      : []),
    ...extra,
  ];
}

export function controllerManagerFlags(directory: string): string[] {
  const path = (name: string): string => join(directory, name);
  return [
    `--kubeconfig=${path(layout.kubeconfig)}`,
    '--controllers=garbagecollector,namespace,serviceaccount,serviceaccount-token',
    '--use-service-account-credentials',
    `--service-account-private-key-file=${path(layout.serviceAccountKey)}`,
    '--leader-elect=false',
    '--secure-port=0', // no metrics or health endpoint, hence no port to choose
    // The defaults (20 and 30 a second) would make tests wait for the deletion of a few thousand Secrets.
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
  ];
}

/** Who did what to which object, once it is done; without the reading that the control plane does for itself. */
export function auditPolicy(): unknown {
  const quiet = { level: 'None' };
  const reads = ['get', 'list', 'watch'];
  return {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [
      { ...quiet, nonResourceURLs: ['/healthz*', '/livez*', '/readyz*'] },
      { ...quiet, users: ['system:apiserver'], verbs: reads },
      { ...quiet, userGroups: ['system:serviceaccounts:kube-system'], verbs: reads },
      { level: 'Metadata' },
    ],
  };
}
