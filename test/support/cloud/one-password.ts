// A double of a 1Password Connect server: vaults and items by id, and found by name; a token and the vaults that it may see.
// https://developer.1password.com/docs/connect/api-reference/
import { type CloudAnswer, type HttpDouble, startHttpDouble } from './http-double.ts';

export interface ConnectItem {
  readonly id: string;
  readonly title: string;
  readonly sections?: readonly { readonly id: string; readonly label: string }[];
  readonly fields?: readonly {
    readonly id: string;
    readonly label?: string;
    readonly value?: string;
    readonly totp?: string;
    readonly section?: { readonly id: string };
  }[];
}

export interface ConnectVault {
  readonly id: string;
  readonly name: string;
  readonly items: readonly ConnectItem[];
  /** Another token's. */
  readonly isHidden?: boolean;
}

export interface OnePasswordDouble extends HttpDouble {
  readonly token: string;
  /** Gives the field of an item another value. */
  put(itemId: string, fieldId: string, value: string): void;
}

export async function startOnePasswordDouble(vaults: readonly ConnectVault[]): Promise<OnePasswordDouble> {
  const token = `connect-token-${'x'.repeat(64)}.of-the-double`;
  const values = new Map<string, { readonly value: string }>();
  const double = await startHttpDouble(({ method, path, query, headers }) => {
    if (headers['authorization'] !== `Bearer ${token}`) return fault(401, 'Invalid token signature');
    const [, vaultId, items, itemId] = /^\/v1\/vaults(?:\/([^/]+)(?:\/(items)(?:\/([^/]+))?)?)?$/.exec(path) ?? [];
    if (method !== 'GET' || !path.startsWith('/v1/vaults')) return fault(404, 'not found');
    if (vaultId === undefined) {
      const seen = vaults.filter(({ isHidden }) => isHidden !== true);
      return { status: 200, body: seen.map(({ id, name }) => ({ id, name, items: 1, type: 'USER_CREATED' })) };
    }
    const vault = vaults.find(({ id }) => id === vaultId);
    if (vault?.isHidden === true) return fault(403, `vault ${vaultId} is not in scope`);
    if (vault === undefined || items === undefined) return fault(404, 'Vault not found');
    if (itemId === undefined) {
      const [, title] = /^title eq "([^"]*)"$/.exec(query.get('filter') ?? '') ?? [];
      const found = vault.items.filter(
        (item) => title === undefined || item.title.toLowerCase() === title.toLowerCase(),
      );
      return { status: 200, body: found.map(({ id, title: of }) => ({ id, title: of, vault: { id: vault.id } })) };
    }
    const item = vault.items.find(({ id }) => id === itemId);
    if (item === undefined) return fault(404, 'Item not found');
    const fields = item.fields?.map((field) => ({ ...field, ...values.get(`${item.id} ${field.id}`) }));
    return { status: 200, body: { ...item, fields, vault: { id: vault.id } } };
  });
  return { ...double, token, put: (itemId, fieldId, value) => void values.set(`${itemId} ${fieldId}`, { value }) };
}

function fault(status: number, message: string): CloudAnswer {
  return { status, body: { status, message } };
}
