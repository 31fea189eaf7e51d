// What a 1Password Connect server makes of what the operator asks.
import { strictEqual } from 'node:assert';
import { absentName, areSame, type CloudSuite, casesWith, secret } from './contract.ts';

const facts = {
  host: 'address of the Connect server; --base-url is the same',
  token: 'of the server, for vault alone',
  vault: 'name of the vault',
  vaultId: 'its id',
  item: 'title of an item that no other of the vault has',
  itemId: 'its id',
  field: 'label of a field of it that stands in no section',
  fieldText: 'its text',
  section: 'label of a section of it',
  sectionField: 'label of a field in there',
  sectionText: 'its text',
  otpField: 'label of a one-time password of it',
  hiddenVault: 'name of a vault that token does not see',
  hiddenVaultId: 'its id',
} as const;

const reading = (
  { host, token }: Readonly<{ host: string; token: string }>,
  refs: Readonly<Record<string, string>>,
) => {
  const get = Object.fromEntries(Object.entries(refs).map(([name, ref]) => [name, { ref }]));
  const login = { connectHost: host, connectToken: secret(token) };
  return { read: { 'fn::open::1password-secrets': { login, get } } };
};

const shows = casesWith(facts, ['host', 'token', 'vault', 'item', 'field']);

export const onePassword: CloudSuite = {
  facts,
  address: 'host',
  cases: [
    shows('gives a field by the names of vault and item', ['fieldText'], async (desk, at) => {
      const { read } = Object(await desk.values(reading(at, { it: `op://${at.vault}/${at.item}/${at.field}` })));
      strictEqual(read.it, at.fieldText);
    }),
    shows('gives a field by the ids of vault and item', ['vaultId', 'itemId', 'fieldText'], async (desk, at) => {
      const { read } = Object(await desk.values(reading(at, { it: `op://${at.vaultId}/${at.itemId}/${at.field}` })));
      strictEqual(read.it, at.fieldText);
      strictEqual(desk.sent(), 1);
    }),
    shows('tells no upper from lower case', ['fieldText'], async (desk, at) => {
      const ref = `op://${at.vault.toUpperCase()}/${at.item.toLowerCase()}/${at.field.toUpperCase()}`;
      const { read } = Object(await desk.values(reading(at, { it: ref })));
      strictEqual(read.it, at.fieldText);
    }),
    shows('gives a field of a section', ['section', 'sectionField', 'sectionText'], async (desk, at) => {
      const ref = `op://${at.vault}/${at.item}/${at.section}/${at.sectionField}`;
      strictEqual(Object(await desk.values(reading(at, { it: ref }))).read.it, at.sectionText);
    }),
    shows('gives the code of a one-time password', ['otpField'], async (desk, at) => {
      const ref = `op://${at.vault}/${at.item}/${at.otpField}?attribute=otp`;
      strictEqual(/^\d{6,8}$/.test(Object(await desk.values(reading(at, { it: ref }))).read.it), true);
    }),
    shows('asks once for what several documents want of an item', [], async (desk, at) => {
      const document = reading(at, { it: `op://${at.vault}/${at.item}/${at.field}` });
      areSame(await desk.together(document, document));
      strictEqual(desk.sent(), 3);
    }),
    shows('tells a field that is not there', [], (desk, at) =>
      desk.fails(
        reading(at, { it: `op://${at.vault}/${at.item}/${absentName}` }),
        'InvalidValue',
        /has no field "escapement-none"/,
      ),
    ),
    shows('tells an item that is not there', [], (desk, at) =>
      desk.fails(
        reading(at, { it: `op://${at.vault}/${absentName}/${at.field}` }),
        'InvalidValue',
        /has no item "escapement-none"/,
      ),
    ),
    shows('tells the id of an item that is not there', ['vaultId'], (desk, at) =>
      desk.fails(
        reading(at, { it: `op://${at.vaultId}/${'a'.repeat(26)}/${at.field}` }),
        'InvalidValue',
        /no such item/,
      ),
    ),
    shows('tells a vault that is not there', [], (desk, at) =>
      desk.fails(
        reading(at, { it: `op://${absentName}/${at.item}/${at.field}` }),
        'ScopeNotFound',
        /there is no vault/,
      ),
    ),
    shows('tells a vault that the token does not see', ['hiddenVault'], (desk, at) =>
      desk.fails(
        reading(at, { it: `op://${at.hiddenVault}/${at.item}/${at.field}` }),
        'ScopeNotFound',
        /or the token has no access to it/,
      ),
    ),
    shows('tells the id of a vault that the token does not see', ['hiddenVaultId'], (desk, at) =>
      desk.fails(
        reading(at, { it: `op://${at.hiddenVaultId}/${at.item}/${at.field}` }),
        'AccessDenied',
        /no access to the vault/,
      ),
    ),
    shows('tells a token that is another', [], (desk, at) =>
      desk.fails(
        reading({ ...at, token: `${at.token.slice(0, -4)}none` }, { it: `op://${at.vault}/${at.item}/${at.field}` }),
        'AccessDenied',
        /the token is refused/,
      ),
    ),
  ],
};
