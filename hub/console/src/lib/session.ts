// Who is asking, and what they may do. Roles only shape what is offered: the hub decides.
import { computed, signal } from '@preact/signals';
import type { Session } from './types';

export const session = signal<Session | null>(null);
/** The hub wants a login first. */
export const locked = signal(false);
export const csrf = computed(() => session.value?.csrf ?? '');

export function dropSession(): void {
  session.value = null;
  locked.value = true;
}

export type Role = 'viewer' | 'operator' | 'approver' | 'architect' | 'admin';

/** What a role includes beside itself. */
const includes: Record<string, Role[]> = {
  admin: ['viewer', 'operator', 'approver', 'architect', 'admin'],
  architect: ['viewer', 'operator', 'architect'],
  operator: ['viewer', 'operator'],
  approver: ['viewer', 'approver'],
  viewer: ['viewer'],
};

/** Without those that another one includes. */
export function mainRoles(roles: string[]): string[] {
  return roles.filter((one) => !roles.some((other) =>
    other !== one && (includes[other] ?? []).some((any) => any === one)));
}

export function may(role: Role): boolean {
  const roles = session.value?.roles ?? [];
  return roles.some((one) => (includes[one] ?? []).includes(role));
}
