// What an identity may do in a project: its role, and rights on path globs besides.
// Rights are judged by the path as it was written in the request, before anything is looked up.

export type Role = 'admin' | 'member' | 'viewer' | 'no-access';
export type Action = 'read' | 'create' | 'edit' | 'delete';

/** A right on top of the role; both texts are globs (`*` stops at a slash, `**` does not, `/a/**` includes `/a`). */
export interface PathRight {
  readonly environment: string;
  readonly path: string;
  /** `read` alone when absent. */
  readonly actions?: readonly Action[];
}

/** Membership of an identity in a project. */
export interface Access {
  readonly role: Role;
  /** Epoch ms at which the role ends and `no-access` is left. */
  readonly roleUntilMs?: number;
  readonly rights?: readonly PathRight[];
}

const actionsOfRole: Readonly<Record<Role, readonly Action[]>> = {
  admin: ['read', 'create', 'edit', 'delete'],
  member: ['read', 'create', 'edit', 'delete'],
  viewer: ['read'],
  'no-access': [],
};

export interface AccessQuestion {
  readonly action: Action;
  readonly environment: string;
  readonly path: string;
}

export function isAllowed(access: Access, { action, environment, path }: AccessQuestion, nowMs: number): boolean {
  const role = access.roleUntilMs !== undefined && access.roleUntilMs <= nowMs ? 'no-access' : access.role;
  if (actionsOfRole[role].includes(action)) return true;
  return (access.rights ?? []).some(
    (right) =>
      (right.actions ?? ['read']).includes(action) && fits(right.environment, environment) && fits(right.path, path),
  );
}

/** Whether there is any place where it may read. */
export function mayReadSomewhere(access: Access, nowMs: number): boolean {
  const role = access.roleUntilMs !== undefined && access.roleUntilMs <= nowMs ? 'no-access' : access.role;
  return (
    actionsOfRole[role].includes('read') ||
    (access.rights ?? []).some(({ actions = ['read'] }) => actions.includes('read'))
  );
}

/** `*` stops at a slash, `**` does not; `/a/**` also fits `/a`. */
export function fits(glob: string, text: string): boolean {
  const pattern = glob
    .split(/(\/\*\*$|\*\*|\*)/)
    .map((part) => wildcards[part] ?? part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('');
  return new RegExp(`^${pattern}$`).test(text);
}

const wildcards: Readonly<Record<string, string>> = { '/**': '(?:/.*)?', '**': '.*', '*': '[^/]*' };
