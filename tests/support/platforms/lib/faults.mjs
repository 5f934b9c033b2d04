// Faults a test arms over /__control/fault. Each is taken by the next `count` requests it matches;
// those that need a commit, a page or a read are taken only by a request that does one.

const common = ['kind', 'method', 'path', 'count'];

/** Kind -> the settings it takes besides the common ones. */
const faultKinds = {
  drop_reply: [],
  drop_reply_after_commit: [],
  reset_before: [],
  status: ['status', 'body', 'headers'],
  status_after_commit: ['status', 'body', 'headers'],
  html_200: ['body'],
  truncated_json: ['at_bytes'],
  slow_drip: ['delay_ms', 'chunk_bytes'],
  delay: ['delay_ms'],
  throttle: ['variant', 'status', 'retry_after'],
  expire_sessions: [],
  expire_locators: [],
  late_commit: ['delay_ms'],
  short_page: ['rows'],
  repeat_rows: ['rows'],
  read_lag: ['delay_ms'],
  freeze_date_covered: ['at'],
  result_missing: ['rows'],
  results_reversed: [],
  webhook_lost: [],
  webhook_repeated: [],
  webhook_delayed: ['delay_ms'],
  event_gap: [],
  event_overflow: [],
  event_lost: [],
  event_late: [],
  event_repeated: [],
  expire_events: [],
  forget_clients: [],
  down: [],
  up: [],
};

/** Those of a platform that posts webhooks. */
export const webhookFaults = ['webhook_lost', 'webhook_repeated', 'webhook_delayed'];
/** Those of a platform that takes several records in one call, with a result for each. */
export const batchFaults = ['result_missing', 'results_reversed'];
/** Those of a platform that clients listen to. */
export const eventFaults = [
  'event_gap',
  'event_overflow',
  'event_lost',
  'event_late',
  'event_repeated',
  'expire_events',
  'forget_clients',
];

/** A platform has these only if it says so, all others at any rate. */
const special = [
  'expire_sessions',
  'expire_locators',
  'short_page',
  'repeat_rows',
  'freeze_date_covered',
  ...batchFaults,
  ...webhookFaults,
  ...eventFaults,
];

export class Faults {
  #armed = [];
  #down = false;
  #kinds;

  /** `own`: the special kinds that this platform has a use for; arming another is refused. */
  constructor(own = []) {
    const has = ([kind]) => own.includes(kind) || !special.includes(kind);
    this.#kinds = Object.fromEntries(Object.entries(faultKinds).filter(has));
  }

  get isDown() {
    return this.#down;
  }

  /** Arms a fault; throws an Error that says what is wrong with it. */
  arm(fault) {
    checkFault(this.#kinds, fault);
    if (fault.kind === 'down' || fault.kind === 'up') {
      this.#down = fault.kind === 'down';
      return;
    }
    const left = fault.count === 'always' ? Infinity : (fault.count ?? 1);
    const pattern = fault.path === undefined ? null : new RegExp(fault.path);
    this.#armed.push({ fault, pattern, left });
  }

  /** The first armed fault of this kind that matches; it has one use less afterwards. */
  take(kind, request) {
    const index = this.#armed.findIndex((entry) => matches(entry, kind, request));
    if (index < 0) {
      return null;
    }
    const entry = this.#armed[index];
    entry.left -= 1;
    if (entry.left <= 0) {
      this.#armed.splice(index, 1);
    }
    return entry.fault;
  }

  list() {
    const armed = this.#armed.map(({ fault, left }) => ({
      ...fault,
      left: left === Infinity ? 'always' : left,
    }));
    return { down: this.#down, armed };
  }

  clear() {
    this.#armed = [];
    this.#down = false;
  }
}

function matches({ fault, pattern }, kind, request) {
  if (fault.kind !== kind) {
    return false;
  }
  if (fault.method !== undefined && fault.method !== request.method) {
    return false;
  }
  return pattern ? pattern.test(request.url) : !request.isLogin;
}

function checkFault(kinds, fault) {
  if (fault === null || typeof fault !== 'object' || Array.isArray(fault)) {
    throw new Error('a fault is a JSON object');
  }
  const settings = Object.hasOwn(kinds, fault.kind) ? kinds[fault.kind] : null;
  if (settings === null) {
    throw new Error(`kind: one of ${Object.keys(kinds).join(', ')}`);
  }
  const unknown = Object.keys(fault).filter(
    (key) => !common.includes(key) && !settings.includes(key),
  );
  if (unknown.length > 0) {
    throw new Error(`${fault.kind} takes no ${unknown.join(', ')}`);
  }
  const { count } = fault;
  if (count !== undefined && count !== 'always' && !(Number.isInteger(count) && count > 0)) {
    throw new Error('count: a whole number above 0, or "always"');
  }
  for (const name of ['delay_ms', 'chunk_bytes', 'at_bytes', 'rows', 'status']) {
    if (fault[name] !== undefined && !(Number.isInteger(fault[name]) && fault[name] >= 0)) {
      throw new Error(`${name}: a whole number, 0 or more`);
    }
  }
  if (fault.kind === 'freeze_date_covered' && typeof fault.at !== 'string') {
    throw new Error('freeze_date_covered needs at, the datetime to answer');
  }
  const waits = ['late_commit', 'read_lag', 'delay', 'webhook_delayed'];
  if (waits.includes(fault.kind) && fault.delay_ms === undefined) {
    throw new Error(`${fault.kind} needs delay_ms`);
  }
}
