// A Bayeux 1.0 (CometD) server by long polling, with the replay extension that Salesforce
// documents. Clients and their queues are in memory: a restart makes every client unknown.

import { randomBytes } from 'node:crypto';
import { jsonReply } from './reply.mjs';

const heldMax = 1_000;
const idFailure = { reconnect: 'handshake', interval: 0 };

export class BayeuxServer {
  #source;
  #holdMs;
  #forgetMs;
  #clients = new Map();

  /**
   * `source`: {check(channel, user), after(channel, replayId), invalid(channel, replayId)}: whether
   * there is such a channel (null, or an error), its events after an id (-1: none, -2: all) as
   * [{replayId, data}], and what is wrong with an id. A connect is held for `holdMs`; a client that
   * does not come again for `forgetMs` is forgotten.
   */
  constructor({ source, holdMs, forgetMs }) {
    this.#source = source;
    this.#holdMs = holdMs;
    this.#forgetMs = forgetMs;
  }

  /** `isKnown()`: does the session still hold? Resolves with a reply; `{reset: true}` after drop(). */
  async handle(request, isKnown) {
    let messages;
    try {
      messages = [request.json()].flat();
    } catch {
      return jsonReply(400, { error: 'not JSON' });
    }
    const replies = [];
    let cookie = null;
    for (const message of messages) {
      const answer = isKnown() ? this.#answer(message, isKnown) : unknownSession(message);
      const reply = await answer;
      if (reply === null) {
        return { reset: true };
      }
      if (message.channel === '/meta/handshake' && reply[0].successful) {
        cookie = `BAYEUX_BROWSER=${randomBytes(8).toString('hex')};Path=/cometd/;HttpOnly`;
      }
      replies.push(...reply);
    }
    return jsonReply(200, replies, cookie ? { 'Set-Cookie': cookie } : {});
  }

  /** Puts events into the queues of those who subscribed, and answers who waits. */
  deliver(channel, events) {
    for (const client of this.#clients.values()) {
      if (client.channels.has(channel) && events.length > 0) {
        client.queue.push(...events.map((event) => asMessage(channel, event)));
        client.queue.splice(0, Math.max(0, client.queue.length - heldMax));
        client.wake?.('events');
      }
    }
  }

  /** Sessions may have ended: who waits finds out now. */
  wakeAll() {
    this.#clients.forEach((client) => client.wake?.('session'));
  }

  /** Every client becomes unknown, as when a node of the platform is replaced. */
  forgetAll() {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    clients.forEach((client) => client.wake?.('forgotten'));
  }

  /** The connections of those who wait are reset. */
  drop() {
    this.#clients.forEach((client) => client.wake?.('dropped'));
  }

  #answer(message, isKnown) {
    switch (message.channel) {
      case '/meta/handshake':
        return this.#handshake(message);
      case '/meta/connect':
        return this.#connect(message, isKnown);
      case '/meta/subscribe':
        return this.#subscribe(message);
      case '/meta/unsubscribe':
        this.#clients.get(message.clientId)?.channels.delete(message.subscription);
        return [replyTo(message, { subscription: message.subscription })];
      case '/meta/disconnect':
        return this.#disconnect(message);
      default:
        return [refusal(message, '403::Publishing is not allowed')];
    }
  }

  #disconnect(message) {
    const client = this.#clients.get(message.clientId);
    this.#clients.delete(message.clientId);
    client?.wake?.('left');
    return [replyTo(message, { clientId: message.clientId })];
  }

  #handshake(message) {
    if (!message.supportedConnectionTypes?.includes('long-polling')) {
      return [refusal(message, '400::No supported connection type', { reconnect: 'none' })];
    }
    const clientId = randomBytes(14).toString('base64url');
    this.#clients.set(clientId, { channels: new Set(), queue: [], connected: false, wake: null });
    this.#expect(clientId);
    const about = {
      ext: { replay: true, 'payload.format': true },
      version: '1.0',
      minimumVersion: '1.0',
      clientId,
      supportedConnectionTypes: ['long-polling'],
    };
    return [replyTo(message, about)];
  }

  /** The client is to come within the time that it is remembered for. */
  #expect(clientId) {
    const client = this.#clients.get(clientId);
    clearTimeout(client.expiry);
    client.expiry = setTimeout(() => this.#clients.delete(clientId), this.#forgetMs);
    client.expiry.unref();
  }

  async #connect(message, isKnown) {
    const { clientId } = message;
    const client = this.#clients.get(clientId);
    if (!client) {
      return [refusal(message, '403::Unknown client', idFailure)];
    }
    client.wake?.('replaced'); // One poll of a client at a time.
    if (client.connected && client.queue.length === 0) {
      clearTimeout(client.expiry);
      const why = await this.#held(client);
      if (why === 'dropped') {
        this.#expect(clientId);
        return null;
      }
      if (why === 'left') {
        return [replyTo(message, { clientId, advice: { reconnect: 'none', interval: 0 } })];
      }
      if (!isKnown()) {
        return unknownSession(message);
      }
      if (!this.#clients.has(clientId)) {
        return [refusal(message, '403::Unknown client', idFailure)];
      }
    }
    client.connected = true;
    this.#expect(clientId);
    const events = client.queue.splice(0);
    const advice = { reconnect: 'retry', interval: 0, timeout: this.#holdMs };
    return [...events, replyTo(message, { clientId, advice })];
  }

  #held(client) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => client.wake?.('timeout'), this.#holdMs);
      client.wake = (why) => {
        clearTimeout(timer);
        client.wake = null;
        resolve(why);
      };
    });
  }

  #subscribe(message) {
    const client = this.#clients.get(message.clientId);
    const channel = message.subscription;
    const about = { subscription: channel };
    if (!client) {
      return [{ ...refusal(message, '403::Unknown client', idFailure), ...about }];
    }
    const after = message.ext?.replay?.[channel] ?? -1;
    const problem = this.#source.check(channel) ?? this.#source.invalid(channel, after);
    if (problem) {
      return [{ ...refusal(message, problem), ...about }];
    }
    client.channels.add(channel);
    const missed = this.#source.after(channel, after);
    client.queue.push(...missed.map((event) => asMessage(channel, event)));
    if (missed.length > 0) {
      client.wake?.('events');
    }
    return [replyTo(message, { clientId: message.clientId, ...about })];
  }
}

function asMessage(channel, { replayId, ...data }) {
  return { channel, data: { ...data, event: { ...data.event, replayId } } };
}

function replyTo({ channel, id }, about = {}) {
  return { channel, ...(id === undefined ? {} : { id }), successful: true, ...about };
}

function refusal({ channel, id, clientId }, error, advice) {
  const about = clientId ? { clientId } : {};
  return {
    ...replyTo({ channel, id }, about),
    successful: false,
    error,
    ...(advice ? { advice } : {}),
  };
}

function unknownSession(message) {
  const advice = { reconnect: 'none', interval: 0 };
  if (message.channel !== '/meta/handshake') {
    return [refusal(message, '401::Authentication invalid', advice)];
  }
  const sfdc = { failureReason: '401::Authentication invalid' };
  return [
    {
      ext: { sfdc, replay: true, 'payload.format': true },
      ...refusal(message, '403::Handshake denied', advice),
    },
  ];
}
