// Webhooks: what was committed is posted, signed, to those that subscribe to it. Deliveries are
// kept in memory and in order; a fault may lose, repeat or delay one, so that others overtake it.

import { createHmac, randomUUID } from 'node:crypto';
import { waitMs } from '../lib/clock.mjs';
import { eventsOf } from './events.mjs';
import { stampText } from './values.mjs';

const timeoutMs = 12_000;
const eventVersion = '2022-11-06';
const accountId = 12_514_403;
/** Status -> how often it is tried again; 429 and 503 only with a short Retry-After. */
const retriesByStatus = { 409: 3, 429: 3, 503: 3, timeout: 5 };
const retryAfterMaxSeconds = 60;

/** base64(HMAC-SHA256(secret, timestamp + body)). */
export function signature(secret, timestamp, body) {
  return createHmac('sha256', secret).update(timestamp).update(body).digest('base64');
}

export class Webhooks {
  #store;
  #faults;
  #clock;
  #fixed;
  #queues = new Map();

  /** `fixed`: a webhook given on the command line, {endpoint, secret}, or null. */
  constructor({ store, faults, clock, fixed }) {
    this.#store = store;
    this.#faults = faults;
    this.#clock = clock;
    this.#fixed = fixed && { id: 'fixed', subscriptions: ['*'], ...fixed };
  }

  /** Takes note of one committed change and returns; the posting happens later. */
  committed(tableName, before, after) {
    const sequence = randomUUID();
    eventsOf(tableName, before, after).forEach((event, position) => {
      const meta = { sequence: { id: sequence, position: position + 1 } };
      const payload = {
        account_id: accountId,
        id: randomUUID(),
        time: new Date(this.#clock.nowMs()).toISOString(),
        zendesk_event_version: eventVersion,
        ...event,
        event: { ...event.event, meta },
      };
      this.#hooksFor(event.type).forEach((hook) => this.#enqueue(hook, payload));
    });
  }

  #hooksFor(type) {
    const hooks = this.#store.rows('webhooks').filter((hook) => hook.status === 'active');
    return [...hooks, ...(this.#fixed ? [this.#fixed] : [])].filter(
      ({ subscriptions }) => subscriptions.includes('*') || subscriptions.includes(type),
    );
  }

  #enqueue(hook, payload) {
    const request = { method: 'POST', url: new URL(hook.endpoint).pathname, isLogin: false };
    if (this.#faults.take('webhook_lost', request)) {
      return;
    }
    const post = () => this.#deliver(hook, payload);
    const late = this.#faults.take('webhook_delayed', request);
    if (late) {
      waitMs(late.delay_ms).then(post);
      return;
    }
    const times = this.#faults.take('webhook_repeated', request) ? 2 : 1;
    for (let i = 0; i < times; i += 1) {
      this.#queues.set(hook.id, (this.#queues.get(hook.id) ?? Promise.resolve()).then(post));
    }
  }

  async #deliver(hook, payload) {
    const invocation = randomUUID();
    for (let tries = 0; ; tries += 1) {
      const { kind, waitSeconds } = await this.#post(hook, payload, invocation);
      if (tries >= (retriesByStatus[kind] ?? 0) || waitSeconds > retryAfterMaxSeconds) {
        return;
      }
      await waitMs(waitSeconds * 1000);
    }
  }

  /** One try: what came of it (status, "timeout" or "failed"), and how long it asks to wait. */
  async #post(hook, payload, invocation) {
    const body = ['GET', 'DELETE'].includes(hook.http_method) ? '' : JSON.stringify(payload);
    const timestamp = stampText(this.#clock.nowMs());
    try {
      const response = await fetch(hook.endpoint, {
        method: hook.http_method ?? 'POST',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Zendesk Webhook',
          'x-zendesk-account-id': String(accountId),
          'x-zendesk-webhook-id': String(hook.id),
          'x-zendesk-webhook-invocation-id': invocation,
          'x-zendesk-webhook-signature': signature(hook.$secret ?? hook.secret, timestamp, body),
          'x-zendesk-webhook-signature-timestamp': timestamp,
        },
        body: body === '' ? undefined : body,
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.arrayBuffer();
      const wait = Number(response.headers.get('retry-after') ?? NaN);
      const none = response.status === 409 ? 0 : Infinity;
      return { kind: response.status, waitSeconds: Number.isNaN(wait) ? none : wait };
    } catch (error) {
      return { kind: error.name === 'TimeoutError' ? 'timeout' : 'failed', waitSeconds: 0 };
    }
  }
}
