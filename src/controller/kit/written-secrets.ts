// The Secrets that are targets, as the writer knows them: how answers are kept, and where writes are counted.
import type { ObservedTarget } from '../../core/target-plan.ts';
import { secretResource } from '../../credentials/store-credentials.ts';
import type { Secret } from '../../kube/types.ts';
import type { OperatorMetrics } from '../../telemetry/operator-metrics.ts';
import { keptTargetRecord } from '../records.ts';
import type { Followed } from '../rooms.ts';
import type { Written } from './writer.ts';

export function writtenSecrets({ view }: Followed<ObservedTarget>, metrics: OperatorMetrics): Written<ObservedTarget> {
  return {
    resource: secretResource,
    view,
    record: (answer, { sent }) => keptTargetRecord(answer, sent as Secret | undefined), // only Secrets are written with it
    count: (operation) => metrics.secretWrites.add({ operation }),
  };
}
