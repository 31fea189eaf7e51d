// The names of the modifiers that a path may call with `@`.

export const modifierNames = [
  'dig',
  'flatten',
  'fromstr',
  'group',
  'join',
  'keys',
  'pretty',
  'reverse',
  'this',
  'tostr',
  'ugly',
  'valid',
  'values',
] as const;

export type ModifierName = (typeof modifierNames)[number];

const names: ReadonlySet<string> = new Set(modifierNames);

export function isModifier(name: string): name is ModifierName {
  return names.has(name);
}
