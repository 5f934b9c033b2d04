// What the API answers, as far as the console reads it. The shapes are those of `synclinectl --json`.
// tests/console holds them against a running hub.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Fields = Record<string, Json>;
/** A moment as text, UTC, nanoseconds at most; null where there was none. */
export type Moment = string | null;

export type Severity = 'info' | 'warning' | 'error' | 'critical';

export interface Finding {
  severity: 'info' | 'warning' | 'error';
  code: string;
  message: string;
  hint: string;
  where: string;
}

export interface Hub {
  hub: string;
  version: string;
  policy: string;
  policy_version?: number;
  partitions: number[];
  in_work: number;
  counts: Record<string, number>;
  heard_at: Moment;
}

export interface Quota {
  limit: number;
  used: number;
  reserve: number;
  learned: boolean;
  spent: Record<string, number>;
  slowed: Record<string, string>;
  resets_at: Moment;
  used_up_at: Moment;
}

export interface Load {
  what?: string;
  records: number;
  total?: number;
  per_second: number;
  began_at: Moment;
}

export interface Backfill extends Load {
  request: string;
  phase: string;
  there: number;
  known: number;
  unknown: number;
  different: number;
  unusable: number;
  ended_at: Moment;
  trouble: string;
}

export interface Agent {
  platform: string;
  version: string;
  epoch: string;
  instance: string;
  run: string;
  started_at: Moment;
  said_at: Moment;
  heard_at: Moment;
  partitions: number;
  spool_bytes: number;
  waiting_bytes: number;
  waiting_entries: number;
  in_flight: number;
  rejects: number;
  last_read_at: Moment;
  read_origin: string;
  reading_paused: boolean;
  fetches_waiting: number;
  changes: number;
  commands_waiting: number;
  commands_running: number;
  commands_in_doubt: number;
  commands_applied: number;
  commands_failed: number;
  commands_superseded: number;
  operations_waiting: number;
  operations_running: number;
  operations_in_doubt: number;
  operations_applied: number;
  operations_refused: number;
  operations_error: string;
  reconciling: string;
  held_lanes: { object: string; direction: string; resuming: boolean; held: number }[];
  asked: number;
  asks_failed: number;
  breaker: string;
  paused_ms: number;
  rate_per_second: number;
  concurrency: number;
  quota?: Partial<Quota>;
  needs_credentials: boolean;
  trouble: string;
  load?: Load;
  backfill?: Backfill;
}

export interface Partition {
  partition: number;
  held: boolean;
  holder: string;
  floor: number;
  lag: number;
}

export interface StreamInfo {
  stream: string;
  exists: boolean;
  messages?: number;
  bytes?: number;
  last_sequence?: number;
}

export interface Pair {
  object: string;
  platforms: [string, string];
  verified_through: Moment;
}

/** An agent that has the lease of its platform, or waits for it. */
export interface Standby {
  platform: string;
  host: string;
  store: string;
  version: string;
  active: boolean;
  since?: Moment;
  heard_at: Moment;
}

export interface Status {
  server: { url: string; version: string };
  hubs: Hub[];
  agents: Agent[];
  partitions: Partition[];
  streams: StreamInfo[];
  open_exceptions: Record<string, number>;
  exceptions: {
    by_severity: Partial<Record<Severity, number>>;
    overdue: number;
    unassigned: number;
    immaterial: number;
  };
  pairs?: Pair[];
  /** Only where an agent has one. */
  standbys?: Standby[];
  findings?: Finding[];
}

export interface Session {
  name: string;
  roles: string[];
  objects?: string[];
  /** Nobody logs in here: what a request says of who acts is believed. */
  anybody?: boolean;
  csrf?: string;
  masked?: boolean;
}

export interface Care {
  severity: Severity;
  material: boolean;
  assignee: string;
  due: Moment;
  tags: string[];
  notes: { at: Moment; by: string; text: string }[];
}

export interface Exception {
  kind: string;
  object: string;
  entity: string;
  platform: string;
  record: string;
  status: string;
  reason: string;
  proposed: Fields;
  canonical: Fields;
  opened_at: Moment;
  updated_at: Moment;
  source: string;
  care: Care;
  closed_by: string;
  closing: string;
  raw_bytes: number;
  violations?: { pointer: string; expected: string; found: string; taken_by_now: boolean }[];
  raw?: { decoded?: Json; error?: string; hex?: string; bytes?: number } | null | '';
  history?: { at: Moment; status: string; reason: string }[];
}

export interface ExceptionPage {
  exceptions: Exception[];
  total: number;
  next?: string | null;
  by_kind?: Record<string, number>;
  immaterial_hidden?: number;
}

export interface ExceptionKind {
  kind: string;
  severity: Severity;
  holder: string;
  meaning: string;
  advice: string;
  closes: string;
  actions: Partial<Record<ExceptionAction, string>>;
}

export type ExceptionAction = 'accept' | 'reject' | 'retry' | 'discard' | 'edit';

export interface EntityRecord {
  platform: string;
  record: string | null;
  presence: string;
  rev: string;
  mirror: Fields;
  generation: number;
  held: string[];
  blocked: boolean;
  pending: { kind: string; fields: Fields; expected: Fields; decided_at: Moment } | null;
}

export interface Entity {
  object: string;
  entity: string;
  version: number;
  deleted: boolean;
  merged_into: string | null;
  policy: string;
  policy_version: number;
  canonical: Record<string, { value: Json; from: string; rev: string; at: Moment }>;
  records: EntityRecord[];
  proposals: { field: string; value: Json; from: string }[];
  exceptions: { kind: string; platform: string; fields: string[]; reason: string; since: Moment }[];
}

export interface EntityAnswer {
  found_by: string;
  sequence: number;
  stored_at: Moment;
  entity: Entity;
}

export interface PastAnswer {
  at: Moment;
  object: string;
  entity: string;
  version: number;
  policy_version: number;
  canonical: Record<
    string,
    { value: Json; from: string; version: number; at: Moment; rule: string }
  >;
}

export interface Decision {
  field: string;
  from: string;
  before: Json;
  value: Json;
  verdict: string;
  rule: string;
}

export interface LogEntry {
  object: string;
  entity: string;
  version: number;
  at: Moment;
  policy: string;
  policy_version: number;
  inputs: string[];
  decisions: Decision[];
  commands: { platform: string; kind: string; generation: number; fields: string[] }[];
  notes: string[];
  trace: string;
  sequence?: number;
}

export interface TimelineEvent {
  at: Moment;
  kind: string;
  line: string;
  subject: string;
  sequence: number;
  message: Json;
}

export interface BlameLine {
  field: string;
  value: Json;
  since: Moment;
  from: string | null;
  refused_since: number;
  version?: number;
  policy?: string;
  policy_version?: number;
  inputs?: string[];
  trace?: string;
  before?: Json;
  rule?: string;
  action?: string;
  asked_by?: string;
  told?: { platform: string; generation: number }[];
}

export interface InstanceStep {
  step: string;
  phase: string;
  attempt?: number;
  waits_for?: string;
  due?: Moment;
}

export interface Instance {
  instance: string;
  workflow: string;
  version: number;
  status: string;
  revision: number;
  context: Fields;
  held?: string;
  variant?: string;
  requester?: string;
  parent?: string;
  reason?: string;
  trace?: string;
  started_at?: Moment;
  updated_at?: Moment;
  deadline?: Moment;
  steps: InstanceStep[];
  applied?: { step: string; stands: string }[];
  exceptions?: { code: string; step: string; reason: string }[];
  awaits?: { event: string; key: string }[];
}

export interface InstanceHistory {
  revision: number;
  at: Moment;
  inputs: string[];
  decided: string[];
}

export interface Approval {
  key: string;
  workflow: string;
  instance: string;
  step: string;
  role: string;
  missing: number;
  shown: Fields;
  seen: string;
  requester?: string;
  until?: Moment;
}

export interface PolicyVersion {
  version: number;
  standing: string;
  name: string;
  hash: string;
  author: string;
  reason: string;
  at: Moment;
  base: number;
  plan: string;
  approvals: { actor: string; reason: string; at: Moment }[];
  restores?: number;
  refused?: string;
  in_force_at?: Moment;
  sequence?: number;
}

export interface Plan {
  active: string;
  proposed: string;
  inputs: number;
  differing: number;
  stored: number;
  stored_differing: number;
  plan?: string;
  fields?: {
    object: string; field: string; from: string; now: string; then: string; inputs: number;
  }[];
  commands?: { platform: string; [side: string]: Json }[];
  commands_at_once?: { platform: string; [side: string]: Json }[];
  exceptions?: { [key: string]: Json }[];
  examples?: {
    sequence: number;
    object: string;
    entity: string;
    fields: { field: string; from: string; value: Json; now?: string; then?: string }[];
  }[];
  findings?: Finding[];
}

export interface Reconciliation {
  platform: string;
  object: string;
  partitions: number;
  began_at: Moment;
  compared_at: Moment;
  records: number;
  known: number;
  unlinked: number;
  buckets: number;
  buckets_differing: number;
  unseen_fields: string[];
  verified_through: Moment;
  [count: string]: Json;
}

export interface Indicator {
  indicator: string;
  at: Moment;
  count?: number;
  share?: number | string | null;
  p50_s?: number | string | null;
  p90_s?: number | string | null;
  open?: number;
  oldest_s?: number | string | null;
  late?: { key: string; seconds: number | string }[];
}

export interface Alert {
  alert: string;
  state: string;
  raised: boolean;
  episode: number;
  since: Moment;
  value: Json;
  silent_until: Moment;
  silenced: string;
  indicator: string;
  if: string;
}

export interface Facts {
  from: Moment;
  to: Moment;
  facts: Record<string, number>;
  until_seen: { count: number; median_ms: number; p99_ms: number };
  until_decided: { count: number; median_ms: number; p99_ms: number };
  unreadable: number;
  entries?: { stream: string; sequence: number; at: Moment; what: string }[];
}
