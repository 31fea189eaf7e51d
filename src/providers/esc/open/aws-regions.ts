// AWS's partitions: worlds of regions, each with its domain and with accounts of its own. Hosts of services follow from them.
// https://docs.aws.amazon.com/general/latest/gr/rande.html
import { OperatorError } from '../../../base/operator-error.ts';

interface Partition {
  /** As the second part of an ARN. */
  readonly name: string;
  readonly regions: RegExp;
  readonly domain: string;
  /** Where a role is assumed when no region is named. Tokens of a regional STS are good in every region of the partition. */
  readonly home: string;
}

const commercial: Partition = { name: 'aws', regions: /^/, domain: 'amazonaws.com', home: 'us-east-1' };

/** The first whose regions fit; `aws` has the rest. */
const partitions: readonly Partition[] = [
  { name: 'aws-cn', regions: /^cn-/, domain: 'amazonaws.com.cn', home: 'cn-north-1' },
  { name: 'aws-us-gov', regions: /^us-gov-/, domain: 'amazonaws.com', home: 'us-gov-west-1' },
  { name: 'aws-eusc', regions: /^eusc-/, domain: 'amazonaws.eu', home: 'eusc-de-east-1' },
  { name: 'aws-iso', regions: /^us-iso-/, domain: 'c2s.ic.gov', home: 'us-iso-east-1' },
  { name: 'aws-iso-b', regions: /^us-isob-/, domain: 'sc2s.sgov.gov', home: 'us-isob-east-1' },
  { name: 'aws-iso-e', regions: /^eu-isoe-/, domain: 'cloud.adc-e.uk', home: 'eu-isoe-west-1' },
  { name: 'aws-iso-f', regions: /^us-isof-/, domain: 'csp.hci.ic.gov', home: 'us-isof-south-1' },
  commercial,
];

/** A region stands in a host name, and must be nothing else there. */
const regionForm = /^[a-z]{2,8}(-[a-z]{1,12}){1,3}-\d{1,2}$/;

/** Root of a service in a region. Throws InvalidSpec for what is no region. */
export function serviceEndpoint(service: 'secretsmanager' | 'ssm' | 'sts', region: string): URL {
  if (!regionForm.test(region)) {
    throw new OperatorError('InvalidSpec', `region ${JSON.stringify(region)} is none: write one such as eu-central-1`);
  }
  return new URL(`https://${service}.${region}.${partitionOf(region).domain}/`);
}

/** Where a role is assumed: the region that is named, else the home of its partition. Throws InvalidSpec. */
export function regionOfRole(roleArn: string, named: string | undefined): string {
  const [, name] = /^arn:([\w-]+):iam::\d{12}:role\/\S+$/.exec(roleArn) ?? [];
  const partition = partitions.find((each) => each.name === name);
  if (partition === undefined) {
    throw new OperatorError(
      'InvalidSpec',
      `roleArn ${JSON.stringify(roleArn)} is none of a role: write one such as arn:aws:iam::123456789012:role/name`,
    );
  }
  if (named === undefined) return partition.home;
  if (partitionOf(named) === partition) return named;
  throw new OperatorError('InvalidSpec', `region ${JSON.stringify(named)} does not belong to partition "${name}"`);
}

function partitionOf(region: string): Partition {
  return partitions.find(({ regions }) => regions.test(region)) ?? commercial;
}
