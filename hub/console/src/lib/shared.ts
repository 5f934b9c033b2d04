// What several pages ask for, asked once.
import { computed, signal } from '@preact/signals';
import { Failure, get } from './api';
import type { Alert, Approval, ExceptionKind, ExceptionPage, PolicyVersion } from './types';

export const kinds = signal<ExceptionKind[]>([]);
export const byKind = signal<Record<string, number>>({});
export const openTotal = signal(0);
export const approvals = signal<Approval[]>([]);
export const alerts = signal<Alert[]>([]);
/** Objects of the policy in force, for choosing. */
export const objects = signal<string[]>([]);
export const kindOf = computed<Record<string, ExceptionKind>>(() =>
  Object.fromEntries(kinds.value.map((one) => [one.kind, one])));

/** What a role may not see is left empty here; the page itself says so. */
async function quietly(ask: () => Promise<void>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}

export const askKinds = (): Promise<void> => quietly(async () => {
  kinds.value = (await get<{ kinds: ExceptionKind[] }>('exceptions/kinds')).kinds;
});

export const askExceptions = (): Promise<void> => quietly(async () => {
  const page = await get<ExceptionPage>('exceptions', { limit: 1 });
  byKind.value = page.by_kind ?? {};
  openTotal.value = page.total;
});

export const askAlerts = (): Promise<void> => quietly(async () => {
  alerts.value = (await get<{ alerts: Alert[] }>('alerts')).alerts;
});

export const askApprovals = (): Promise<void> => quietly(async () => {
  approvals.value = (await get<{ approvals: Approval[] }>('approvals')).approvals;
});

/** From the policy's own files: `[objects.customer]`. */
export const askObjects = (): Promise<void> => quietly(async () => {
  const { versions } = await get<{ versions: PolicyVersion[] }>('policy/versions');
  const active = versions.find((one) => one.standing === 'in force') ?? versions[0];
  if (active === undefined) return;
  const { files } = await get<{ files: Record<string, string> }>(
    `policy/versions/${active.version}`);
  const found = new Set<string>();
  for (const text of Object.values(files)) {
    for (const match of text.matchAll(/^\s*\[objects\.([A-Za-z0-9_]+)\]/gm)) found.add(match[1]!);
  }
  objects.value = [...found].sort();
});
