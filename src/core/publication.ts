// What an opened Environment gives to pods without an ExternalSecret: `environmentVariables`, secret ones in a Secret and
// plain ones in a ConfigMap, and `files` as further keys of the Secret. Pure.
import { OperatorError } from '../base/operator-error.ts';
import type { EnvironmentSpec } from '../crds/environment.ts';
import { payForText } from './esc/effort.ts';
import { type Projected, projection } from './esc/export.ts';
import type { EscValue } from './esc/value.ts';
import { SecretValue } from './secret-value.ts';

export type Publish = NonNullable<EnvironmentSpec['publish']>;

export interface Publication {
  readonly secret: ReadonlyMap<string, SecretValue>;
  readonly configMap: ReadonlyMap<string, SecretValue>;
}

/** Keys of Secrets and ConfigMaps: https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data */
const dataKey = /^[-._a-zA-Z0-9]{1,253}$/;

/**
 * Where no ConfigMap is named, plain variables are in the Secret as well. Throws InvalidSpec for values that have no place,
 * InvalidKey for names that none of the two can hold, or that both a variable and a file have.
 */
export function publicationOf(value: EscValue, { secretName, configMapName }: Publish): Publication {
  const variables = projection(value, 'environmentVariables');
  const files = projection(value, 'files');
  const isSecret = ({ secret }: Projected) => secret || configMapName === undefined;
  const inSecret = [...variables.filter(isSecret), ...files];
  if (secretName === undefined && inSecret.length > 0) {
    const names = inSecret.slice(0, 5).map(({ name }) => JSON.stringify(name));
    const more = inSecret.length > 5 ? ` and ${inSecret.length - 5} more` : '';
    throw new OperatorError(
      'InvalidSpec',
      `spec.publish: name a Secret (secretName) for what is secret, and for files: ${names.join(', ')}${more}`,
    );
  }
  return { secret: dataOf(inSecret), configMap: dataOf(variables.filter((each) => !isSecret(each))) };
}

function dataOf(entries: readonly Projected[]): ReadonlyMap<string, SecretValue> {
  const data = new Map<string, SecretValue>();
  for (const { name, text, bytes } of entries) {
    if (!dataKey.test(name)) {
      throw new OperatorError(
        'InvalidKey',
        `spec.publish: ${JSON.stringify(name.slice(0, 60))} cannot be a key: use letters, digits, '-', '_' and '.'`,
      );
    }
    if (data.has(name)) {
      throw new OperatorError(
        'InvalidKey',
        `spec.publish: ${JSON.stringify(name)} is both in environmentVariables and in files: give one of them another name`,
      );
    }
    payForText(text.length);
    data.set(name, new SecretValue(bytes ?? text));
  }
  return data;
}
