// `aws-parameter-store`, by the published schema: parameters of AWS Systems Manager, up to ten by one GetParameters. A
// StringList gives a list. What is encrypted comes as it is stored, unless `decrypt` is set.
// https://www.pulumi.com/docs/esc/integrations/dynamic-secrets/aws-parameter-store/
import { OperatorError } from '../../../base/operator-error.ts';
import { arrayValue, type EscValue, textValue } from '../../../core/esc/value.ts';
import type { AwsAccess } from './aws-access.ts';
import { notFromAws } from './aws-errors.ts';
import { awsReadSchema, credentialsOf, eachOf } from './aws-inputs.ts';
import { type Parameter, readParameters } from './aws-wire.ts';
import type { EscProvider } from './contract.ts';
import { isSet, member, textOf } from './inputs.ts';

/** What one request takes. */
const mostNames = 10;

export function awsParameterStore(access: AwsAccess): EscProvider {
  return {
    inputs: awsReadSchema({
      type: 'object',
      properties: { name: { type: 'string', minLength: 1 }, decrypt: { type: 'boolean' } },
      required: ['name'],
    }),
    outputs: { type: 'object', additionalProperties: true },
    secret: true,
    async open(inputs, context, signal) {
      const credentials = credentialsOf(inputs, 'aws-parameter-store');
      const region = textOf(inputs, 'region') ?? '';
      const wanted = [...member(inputs, 'get').members].map(([key, entry]): Wanted => {
        return { key, name: textOf(entry, 'name') ?? '', decrypt: isSet(entry, 'decrypt') };
      });
      return await eachOf(batchesOf(wanted), async ({ names, decrypt, entries }) => {
        const [first = ''] = names;
        const what = `aws-parameter-store: parameter "${first}"${names.length > 1 ? ` and ${names.length - 1} more` : ''}`;
        const order = {
          what,
          service: 'ssm',
          target: 'AmazonSSM.GetParameters',
          region,
          credentials,
          input: { Names: names, WithDecryption: decrypt },
        } as const;
        const answer = readParameters(await access.call(order, context, signal));
        if (answer === undefined) throw notFromAws(what);
        return entries.map(({ key, name }) => {
          // Each parameter stands in a request once, so that an answer which leaves the version out means the one asked for.
          const found = [name, bare(name)].flatMap(
            (as) => answer.found.find((each) => each.names.includes(as)) ?? [],
          )[0];
          if (found !== undefined) return [key, opened(found)] as const;
          if (!answer.missing.includes(name)) throw notFromAws(what);
          throw new OperatorError(
            'SecretNotFound',
            `aws-parameter-store: there is no parameter "${name}" in ${region} in this account`,
          );
        });
      });
    },
  };
}

interface Wanted {
  readonly key: string;
  readonly name: string;
  readonly decrypt: boolean;
}

interface Batch {
  readonly names: string[];
  readonly decrypt: boolean;
  readonly entries: Wanted[];
}

/** One request each. Versions of one parameter are asked for apart: a request may name a parameter once. */
function batchesOf(wanted: readonly Wanted[]): readonly Batch[] {
  const batches: Batch[] = [];
  for (const entry of wanted) {
    const { decrypt, name } = entry;
    const fits = (batch: Batch) =>
      batch.decrypt === decrypt &&
      (batch.names.includes(name) ||
        (batch.names.length < mostNames && !batch.names.some((each) => bare(each) === bare(name))));
    const batch = batches.find(fits) ?? { names: [], decrypt, entries: [] };
    if (batch.names.length === 0) batches.push(batch);
    if (!batch.names.includes(name)) batch.names.push(name);
    batch.entries.push(entry);
  }
  return batches;
}

/** Without version or label; the colons of an ARN stand before its last slash or name. */
function bare(name: string): string {
  return name.startsWith('arn:') ? name.split(':').slice(0, 6).join(':') : (name.split(':')[0] ?? name);
}

function opened({ isList, value }: Parameter): EscValue {
  const text = value.text();
  if (!isList) return textValue(text, { secret: true });
  return arrayValue(
    text.split(',').map((each) => textValue(each, { secret: true })),
    { secret: true },
  );
}
