// The clouds whose cases there are, by the names that the command takes.
import { aws } from './aws.ts';
import { azure } from './azure.ts';
import type { CloudSuite } from './contract.ts';
import { gcp } from './gcp.ts';
import { github } from './github.ts';
import { onePassword } from './one-password.ts';
import { pulumi } from './pulumi.ts';

export type CloudName = 'aws' | 'gcp' | 'azure' | '1password' | 'github' | 'pulumi';

export const suites: Readonly<Record<CloudName, CloudSuite>> = {
  aws,
  gcp,
  azure,
  '1password': onePassword,
  github,
  pulumi,
};

export const cloudNames = Object.keys(suites) as readonly CloudName[]; // the keys of the record above

export function isCloudName(name: string): name is CloudName {
  return Object.hasOwn(suites, name);
}
