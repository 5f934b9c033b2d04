// The first question: is the business in agreement, and if not, what is to be done?
import type { Tone } from '../parts/basics';
import { plural } from './format';
import { link } from './route';
import { ago, millis } from './time';
import type { Alert, ExceptionKind, Finding, Severity, Status } from './types';

export interface Todo {
  tone: Tone;
  what: string;
  hint: string;
  href: string;
  action: string;
}

export interface Verdict {
  tone: Tone;
  title: string;
  why: string;
}

const tones: Record<Severity, Tone> = { critical: 'bad', error: 'bad', warning: 'warn',
  info: 'info' };
const ranks: Record<Tone, number> = { bad: 0, warn: 1, info: 2, plain: 3, good: 4 };

/** Where a finding of `status` is looked into. */
function placeOf(finding: Finding): string {
  const code = finding.code;
  if (/agent|breaker|quota|lane|spool|doubt|rejects|versions|policies_differ/.test(code)) {
    return link('agents', finding.where === '' ? [] : [finding.where]);
  }
  return link('agents', [], { tab: 'hubs' });
}

export function todosOf(status: Status, byKind: Record<string, number>, kinds: ExceptionKind[],
  approvals: number, alerts: Alert[]): Todo[] {
  const todos: Todo[] = [];
  for (const [kind, many] of Object.entries(byKind)) {
    if (many === 0) continue;
    const about = kinds.find((one) => one.kind === kind);
    todos.push({
      tone: about === undefined ? 'warn' : tones[about.severity],
      what: `${plural(many, 'exception')} ${kind}`,
      hint: about === undefined ? '' : `${about.meaning}. What to do: ${about.advice}.`,
      href: link('exceptions', [], { kind }),
      action: 'Decide',
    });
  }
  for (const finding of status.findings ?? []) {
    if (finding.code === 'status.exceptions_open') continue;
    todos.push({
      tone: finding.severity === 'error' ? 'bad' : finding.severity === 'warning' ? 'warn' : 'info',
      what: finding.message, hint: finding.hint, href: placeOf(finding), action: 'Look',
    });
  }
  for (const alert of alerts) {
    if (!alert.raised || alert.silenced !== '') continue;
    todos.push({ tone: 'warn', what: `Alert ${alert.alert}: ${alert.if}, it is ${alert.value}`,
      hint: `The business, not the machinery: indicator ${alert.indicator}.`,
      href: `${link('overview')}?indicator=${encodeURIComponent(alert.indicator)}`,
      action: 'Look' });
  }
  if (approvals > 0) {
    todos.push({ tone: 'info', what: `${plural(approvals, 'approval')} asked for`,
      hint: 'Processes wait for a word.', href: link('approvals'), action: 'Answer' });
  }
  return todos.sort((one, other) => ranks[one.tone] - ranks[other.tone]);
}

export function verdictOf(status: Status | null, lost: boolean, at: number): Verdict {
  if (status === null) {
    return { tone: 'plain', title: lost ? 'Not known' : 'Asking\u2026',
      why: lost ? 'The hub does not answer.' : 'Waiting for the hub.' };
  }
  const open = status.exceptions.by_severity;
  const errors = (open.error ?? 0) + (open.critical ?? 0);
  const findings = (status.findings ?? []).filter((one) => one.code !== 'status.exceptions_open');
  const wrong = findings.filter((one) => one.severity === 'error').length;
  const odd = findings.filter((one) => one.severity === 'warning').length;
  if (errors > 0) {
    return { tone: 'bad', title: 'Not in agreement',
      why: `${plural(errors, 'exception')} that matter ${errors === 1 ? 'waits' : 'wait'} for a person.` };
  }
  if (wrong > 0) {
    return { tone: 'bad', title: 'Out of order',
      why: `${plural(wrong, 'thing')} of the installation ${wrong === 1 ? 'is' : 'are'} wrong.` };
  }
  const asked = (open.warning ?? 0) + (open.info ?? 0);
  if (asked > 0) {
    return { tone: 'warn', title: 'A person is asked',
      why: `${plural(asked, 'exception')} ${asked === 1 ? 'waits' : 'wait'}; everything else flows.` };
  }
  if (odd > 0) {
    return { tone: 'warn', title: 'Needs a look', why: `${plural(odd, 'warning')} about how it runs.` };
  }
  const lag = status.partitions.reduce((sum, one) => sum + one.lag, 0);
  const told = status.agents.reduce((sum, one) => sum + one.waiting_entries + one.commands_waiting
    + one.commands_running, 0);
  if (lag + told > 0) {
    return { tone: 'info', title: 'Catching up',
      why: `${plural(lag + told, 'message')} on the way, nothing is wrong.` };
  }
  const pairs = status.pairs ?? [];
  const proven = pairs.filter((pair) => pair.verified_through !== null);
  if (proven.length === 0) {
    return { tone: 'good', title: 'No known difference',
      why: 'Not proven: nothing was reconciled yet.' };
  }
  const oldest = Math.min(...proven.map((pair) => millis(pair.verified_through) ?? 0));
  return { tone: 'good', title: 'In agreement',
    why: `Proven for ${proven.length} of ${plural(pairs.length, 'pair')}, the oldest proof is of `
      + `${ago(oldest, at)}.` };
}
