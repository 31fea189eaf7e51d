import { beforeAll, describe, expect, it } from 'vitest';
import type { SecretStoreSpec } from '../crds/secret-store.ts';
import type { NamespaceFacts } from './label-selector.ts';
import { loadParts } from './parts.ts';
import { checkConditions, mayUseStore, needsNamespaceLabels } from './store-access.ts';

beforeAll(loadParts);

type Conditions = SecretStoreSpec['conditions'];

const shop: NamespaceFacts = { name: 'shop', labels: { team: 'a', toString: 'x' } };
const unlabelled: NamespaceFacts = { name: 'shop', labels: {} };
const unknown: NamespaceFacts = { name: 'shop', labels: undefined };
const byExpression = (key: string, operator: string, values?: string[]): Conditions => [
  { namespaceSelector: { matchExpressions: [{ key, operator, ...(values === undefined ? {} : { values }) }] } },
];

describe('mayUseStore', () => {
  it.each<[why: string, conditions: Conditions, namespace: NamespaceFacts, may: boolean]>([
    ['no conditions allow all', undefined, shop, true],
    ['an empty list allows all', [], shop, true],
    ['an empty condition allows nobody', [{}], shop, false],
    ['a listed name', [{ namespaces: ['other', 'shop'] }], shop, true],
    ['a name that is not listed', [{ namespaces: ['shop2'] }], shop, false],
    ['the second condition', [{ namespaces: ['other'] }, { namespaces: ['shop'] }], shop, true],
    ['one of several ways in one condition', [{ namespaces: ['other'], namespaceRegexes: ['^sh'] }], shop, true],
    ['an expression is not anchored', [{ namespaceRegexes: ['ho'] }], shop, true],
    ['an anchored expression', [{ namespaceRegexes: ['^ho'] }], shop, false],
    ['equal labels', [{ namespaceSelector: { matchLabels: { team: 'a' } } }], shop, true],
    ['one label of two', [{ namespaceSelector: { matchLabels: { team: 'a', tier: 'x' } } }], shop, false],
    ['an empty selector takes every namespace', [{ namespaceSelector: {} }], unlabelled, true],
    [
      'labels that are not known match nothing, not even an empty selector',
      [{ namespaceSelector: {} }],
      unknown,
      false,
    ],
    [
      'NotIn does not open the store to labels that are not known',
      byExpression('team', 'NotIn', ['b']),
      unknown,
      false,
    ],
    ['labels that are not known leave names alone', [{ namespaceSelector: {}, namespaces: ['shop'] }], unknown, true],
    ['In', byExpression('team', 'In', ['b', 'a']), shop, true],
    ['In with other values', byExpression('team', 'In', ['b']), shop, false],
    ['In without the label', byExpression('tier', 'In', ['a']), shop, false],
    ['NotIn', byExpression('team', 'NotIn', ['b']), shop, true],
    ['NotIn with the value', byExpression('team', 'NotIn', ['a']), shop, false],
    ['NotIn without the label', byExpression('tier', 'NotIn', ['a']), shop, true],
    ['Exists', byExpression('team', 'Exists'), shop, true],
    ['Exists of a name that every object inherits', byExpression('constructor', 'Exists'), shop, false],
    ['DoesNotExist', byExpression('tier', 'DoesNotExist'), shop, true],
    ['DoesNotExist of a label that is there', byExpression('toString', 'DoesNotExist'), shop, false],
    [
      'labels and expressions must both hold',
      [{ namespaceSelector: { matchLabels: { team: 'a' }, matchExpressions: [{ key: 'tier', operator: 'Exists' }] } }],
      shop,
      false,
    ],
  ])('answers for %s', (_, conditions, namespace, may) => {
    expect(mayUseStore(conditions, namespace)).toBe(may);
  });

  it.each<[why: string, conditions: Conditions]>([
    ['an expression that does not compile', [{ namespaceRegexes: ['['] }]],
    ['an operator that does not exist, which must not read as NotIn', byExpression('team', 'notin', ['b'])],
    ['an operator that every object inherits', byExpression('team', 'toString', ['b'])],
    ['In without values', byExpression('team', 'In', [])],
    ['NotIn without values, which would match all', byExpression('team', 'NotIn')],
    ['Exists with values', byExpression('team', 'Exists', ['a'])],
    ['DoesNotExist with values', byExpression('team', 'DoesNotExist', ['a'])],
    ['a broken condition behind one that matches', [{ namespaces: ['shop'] }, { namespaceRegexes: ['['] }]],
  ])('refuses to answer for %s', (_, conditions) => {
    expect(() => mayUseStore(conditions, shop)).toThrow(expect.objectContaining({ reason: 'InvalidSpec' }));
    expect(() => checkConditions(conditions)).toThrow(expect.objectContaining({ reason: 'InvalidSpec' }));
  });
});

describe('needsNamespaceLabels', () => {
  it.each<[why: string, conditions: Conditions, needs: boolean]>([
    ['no conditions', undefined, false],
    ['names and expressions', [{ namespaces: ['a'] }, { namespaceRegexes: ['b'] }], false],
    ['a selector in the second condition', [{ namespaces: ['a'] }, { namespaceSelector: {} }], true],
  ])('answers for %s', (_, conditions, needs) => {
    expect(needsNamespaceLabels(conditions)).toBe(needs);
  });
});
