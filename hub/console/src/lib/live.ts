// What the hub tells by server-sent events: how the installation stands, every two seconds, and that
// something has changed. Rates are made here, from the counters of two tellings.
import { computed, signal } from '@preact/signals';
import { get } from './api';
import { locked, session } from './session';
import type { Agent, Status } from './types';

export const status = signal<Status | null>(null);
/** When the newest status came. */
export const heard = signal(0);
export type Link = 'opening' | 'live' | 'lost';
export const line = signal<Link>('opening');
/** Counts up when something of that name has changed, so that a page can look again. */
export const changes = signal<Record<string, number>>({});

export interface Point {
  at: number;
  inputs: number;
  decisions: number;
  commands: number;
  lag: number;
  agents: Record<string, { changes: number; applied: number; waiting: number; used: number }>;
}

/** Twenty minutes at one in two seconds. */
const pointsMost = 600;
export const points = signal<Point[]>([]);

function pointOf(one: Status, at: number): Point {
  const sum = (name: string): number =>
    one.hubs.reduce((all, hub) => all + (hub.counts?.[name] ?? 0), 0);
  const agents: Point['agents'] = {};
  for (const agent of one.agents) {
    agents[agent.platform] = {
      changes: agent.changes, applied: agent.commands_applied + agent.operations_applied,
      waiting: agent.waiting_entries, used: agent.quota?.used ?? 0,
    };
  }
  return {
    at, inputs: sum('inputs'), decisions: sum('decisions'), commands: sum('commands'),
    lag: one.partitions.reduce((all, partition) => all + partition.lag, 0), agents,
  };
}

export function take(one: Status): void {
  const at = Date.now();
  status.value = one;
  heard.value = at;
  points.value = [...points.value.slice(1 - pointsMost), pointOf(one, at)];
}

/** A second, over the last ten seconds or so. A counter that fell has begun anew. */
export function perSecond(all: Point[], read: (point: Point) => number | undefined): number {
  const last = all[all.length - 1];
  const first = all[Math.max(0, all.length - 6)];
  if (last === undefined || first === undefined || last.at <= first.at) return 0;
  const grown = (read(last) ?? 0) - (read(first) ?? 0);
  return Math.max(0, (grown * 1000) / (last.at - first.at));
}

export const agentsByName = computed<Record<string, Agent>>(() =>
  Object.fromEntries((status.value?.agents ?? []).map((agent) => [agent.platform, agent])));

let source: EventSource | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let failures = 0;

/** Thousands may change in a second; a page looks again once a second at most. */
const noteEvery = 1000;
const noted = new Map<string, { at: number; timer?: ReturnType<typeof setTimeout> | undefined }>();

function note(what: string): void {
  const last = noted.get(what);
  if (last?.timer !== undefined) return;
  const wait = last === undefined ? 0 : Math.max(0, last.at + noteEvery - Date.now());
  const tell = (): void => {
    noted.set(what, { at: Date.now() });
    changes.value = { ...changes.value, [what]: (changes.value[what] ?? 0) + 1 };
  };
  if (wait === 0) return tell();
  noted.set(what, { at: last!.at, timer: setTimeout(tell, wait) });
}

/** Events end and come back; meanwhile the page asks, less and less often. */
async function fallBack(): Promise<void> {
  if (session.value === null || locked.value) return;
  try {
    take(await get<Status>('status'));
    note('again');
    failures = 0;
    open();
  } catch {
    failures = Math.min(failures + 1, 5);
    line.value = 'lost';
    timer = setTimeout(() => void fallBack(), 1000 * 2 ** failures);
  }
}

export function open(): void {
  close();
  line.value = status.value === null ? 'opening' : line.value;
  source = new EventSource('v1/events');
  source.addEventListener('open', () => {
    line.value = 'live';
    failures = 0;
  });
  source.addEventListener('status', (event) => {
    line.value = 'live';
    try {
      take(JSON.parse(event.data) as Status);
    } catch {
      // A cut line; the next one comes in two seconds.
    }
  });
  source.addEventListener('changed', (event) => {
    try {
      const what = (JSON.parse(event.data) as { what?: unknown }).what;
      for (const one of Array.isArray(what) ? what : [what]) note(String(one));
    } catch {
      note('again');
    }
  });
  source.addEventListener('error', () => {
    line.value = 'lost';
    close();
    clearTimeout(timer);
    timer = setTimeout(() => void fallBack(), 1000);
  });
}

export function close(): void {
  source?.close();
  source = null;
}
