import { describe, expect, it } from 'vitest';
import { managedKeys } from './managed-fields.ts';

const fieldsV1 = {
  'f:data': { '.': {}, 'f:user': {}, 'f:__proto__': {}, 'f:f:odd': {} },
  'f:immutable': {},
  'f:metadata': {
    'f:labels': { '.': {}, 'f:app.kubernetes.io/name': {} },
    'f:annotations': { 'f:note': {} },
    'f:ownerReferences': { '.': {}, 'k:{"uid":"1"}': {} },
  },
};

describe('the keys of a manager', () => {
  it('are its data, label and annotation keys', () => {
    const keys = managedKeys([{ manager: 'us', fieldsV1 }], ['us']);
    expect([...keys.data]).toEqual(['user', '__proto__', 'f:odd']);
    expect([...keys.labels]).toEqual(['app.kubernetes.io/name']);
    expect([...keys.annotations]).toEqual(['note']);
  });

  it('come from every entry of any of its names, and from nobody else', () => {
    const entries = [
      { manager: 'us', operation: 'Update', fieldsV1: { 'f:data': { 'f:a': {} } } },
      { manager: 'us-long', operation: 'Apply', fieldsV1: { 'f:data': { 'f:b': {} } } },
      { manager: 'kubectl', fieldsV1: { 'f:data': { 'f:c': {} } } },
      { fieldsV1: { 'f:data': { 'f:d': {} } } },
    ];
    expect([...managedKeys(entries, ['us', 'us-long']).data]).toEqual(['a', 'b']);
  });

  it.each([
    undefined,
    [],
    [{ manager: 'us' }],
    [{ manager: 'us', fieldsV1: 'x' }],
    [{ manager: 'us', fieldsV1: { 'f:data': null, 'f:metadata': [] } }],
  ])('are none in %j', (entries) => {
    const keys = managedKeys(entries, ['us']);
    expect(keys.data.size + keys.labels.size + keys.annotations.size).toBe(0);
  });
});
