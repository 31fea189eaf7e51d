// Every secret text that is in an environment, for who must not let one out.
import { type Projected, projection } from '../../core/esc/export.ts';
import type { EscValue } from '../../core/esc/value.ts';

/** Scalars that are secret or lie in what is, and variables and files that are. */
export function secretTexts(value: EscValue): readonly (string | Buffer)[] {
  const found: (string | Buffer)[] = [];
  const walk = (each: EscValue, isSecret: boolean): void => {
    const { data } = each;
    const secret = isSecret || each.secret;
    if (data.kind === 'array') for (const element of data.elements) walk(element, secret);
    else if (data.kind === 'object') for (const member of each.members.values()) walk(member, secret);
    else if (secret && data.kind === 'string') found.push(data.bytes ?? data.text);
    else if (secret && data.kind === 'number') found.push(data.text);
  };
  walk(value, false);
  const projected: readonly Projected[] = [...projection(value, 'environmentVariables'), ...projection(value, 'files')];
  for (const { secret, bytes, text } of projected) if (secret) found.push(bytes ?? text);
  return found;
}
