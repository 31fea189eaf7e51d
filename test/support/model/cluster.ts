// A Kubernetes cluster in memory under the real operator, at the level of its API's wire: objects with uids, versions,
// conflicts, owners and their garbage collection, watches that are late but in order, an API server and upstreams that fail,
// and replicas that are stopped, killed or frozen. Time is a fake clock and chance a seed, so hours pass in milliseconds and
// what failed once fails again.
import type { EscProvider } from '../../../src/providers/esc/open/contract.ts';
import { FakeClock } from '../fake-clock.ts';
import { Api } from './api.ts';
import { Objects } from './objects.ts';
import { ModelProcess } from './process.ts';
import { modelProviders } from './providers.ts';
import { ModelPulumi } from './pulumi.ts';
import { type Replica, type ReplicaOptions, startReplica } from './replica.ts';
import { ModelUpstream } from './upstream.ts';

export class ModelCluster {
  readonly clock = new FakeClock();
  readonly objects: Objects;
  readonly api: Api;
  readonly upstream: ModelUpstream;
  readonly pulumi: ModelPulumi;
  /** Providers of `fn::open` besides the cluster's own, by name. */
  readonly openings = new Map<string, EscProvider>();
  /** Lines of logs that should not be there. */
  readonly faults: string[] = [];
  readonly #random: () => number;
  #processes = 0;

  constructor({ random = () => 0.5 }: { readonly random?: () => number } = {}) {
    this.#random = random;
    this.objects = new Objects(this.clock);
    this.api = new Api(this.objects, { clock: this.clock, random });
    this.upstream = new ModelUpstream(this.clock, random);
    this.pulumi = new ModelPulumi(this.upstream);
  }

  startReplica(options: ReplicaOptions = {}): Replica {
    const process = new ModelProcess(`operator-${++this.#processes}`, this.clock);
    const ports = {
      process,
      transport: this.api.transport(process),
      random: this.#random,
      providers: modelProviders.bind(undefined, this),
      onFault: (line: string) => void this.faults.push(`${process.name}: ${line}`),
    };
    return startReplica(ports, options);
  }
}
