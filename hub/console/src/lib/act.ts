// What the console asks of the hub, in one place: the bodies of all POSTs.
import { post, segment } from './api';
import type { Exception, ExceptionAction, Fields, Finding, Plan } from './types';

export interface ExceptionFilter {
  kind?: string;
  platform?: string;
  object?: string;
  severity?: string;
  assignee?: string;
  tag?: string;
  unassigned?: boolean;
  overdue?: boolean;
}

export interface ActionAnswer {
  dry_run?: boolean;
  left_out?: number;
  exceptions?: { kind: string; platform: string; object: string; entity: string;
    status?: string | null }[];
  findings?: Finding[];
}

export const nameOf = (one: { kind: string; platform: string }): string =>
  one.platform === '' ? one.kind : `${one.kind}@${one.platform}`;

type Extra = Record<string, unknown>;

export function actOn(action: string, one: Exception, extra: Extra = {}): Promise<ActionAnswer> {
  return post(`exceptions/${action}`,
    { object: one.object, entity: one.entity, kind: nameOf(one), ...extra });
}

export function actOnAll(action: string, filter: ExceptionFilter, dryRun: boolean, most: number,
  extra: Extra = {}): Promise<ActionAnswer> {
  const given = Object.fromEntries(Object.entries(filter).filter(([, value]) =>
    value !== undefined && value !== '' && value !== false));
  return post(`exceptions/${action}`, { ...given, dry_run: dryRun, most, ...extra });
}

export interface Rule {
  rule: string;
  where: string;
  meaning: string;
  decision: string;
  /** The files of the policy in force that it changes, as they would be. */
  changed?: Record<string, string>;
  findings?: Finding[];
}
export const toRule = (one: Exception, as: ExceptionAction | 'immaterial' | ''): Promise<Rule> =>
  post('exceptions/to-rule', { object: one.object, entity: one.entity, kind: nameOf(one),
    ...(as === '' ? {} : { as }) });

export const decideApproval = (key: string, word: 'approve' | 'reject', body: {
  seen: string; who: string; comment: string }): Promise<unknown> =>
  post(`approvals/${key.split('/').map(segment).join('/')}/${word}`, body);

export const actOnInstance = (id: string, action: string, body: {
  who: string; step?: string; reason?: string; fields?: Fields }): Promise<unknown> =>
  post(`instances/${segment(id)}/${action}`, body);

type Files = Record<string, string>;
export const checkPolicy = (files: Files): Promise<{ errors?: number; warnings?: number;
  findings?: Finding[] }> => post('policy/check', { files });
export const planPolicy = (files: Files, from: string): Promise<Plan> =>
  post('policy/plan', { files, from });
export const applyPolicy = (files: Files, plan: string, reason: string): Promise<{
  version: number; in_force?: boolean; approvals_missing?: number; findings?: Finding[] }> =>
  post('policy/apply', { files, plan, reason });
export const approveVersion = (version: number, reason: string): Promise<unknown> =>
  post(`policy/versions/${version}/approve`, { reason });
export const rollBackTo = (version: number, reason: string, dryRun: boolean): Promise<{
  version: number; findings?: Finding[] }> =>
  post(`policy/versions/${version}/rollback`, { reason, dry_run: dryRun });

export const reconcile = (platforms: string[], mode: string): Promise<{ asked: string[] }> =>
  post('reconciliations', { platforms, ...(mode === '' ? {} : { [mode]: true }) });
export const backfill = (platform: string, dryRun: boolean): Promise<unknown> =>
  post('backfills', { platform, dry_run: dryRun });
export const fullRead = (platform: string): Promise<unknown> => post('full-reads', { platform });
export const replay = <T>(body: Record<string, unknown>): Promise<T> => post('replay', body);
