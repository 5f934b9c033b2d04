// Change Data Capture: the commit log as change events, with replay ids that are not contiguous.
// The log is on disk, so the events of before a restart can be asked for after it.

import { apiUserId, humanUserId } from './sessions.mjs';
import { showValue } from './values.mjs';

const idStep = 7;
const idBase = 1_000;
const changeTypes = { create: 'CREATE', update: 'UPDATE', delete: 'DELETE' };
const silent = new Set(['Id', 'IsDeleted', 'SystemModstamp']);

export class ChangeEvents {
  #schema;
  #faults;
  #events = [];
  #floor = 0;
  #held = [];

  /** `deliver(channel, events)` is called with what is new. */
  constructor({ schema, store, faults, deliver }) {
    this.#schema = schema;
    this.#faults = faults;
    this.#take(store.log());
    store.onCommit((entries) => {
      for (const event of this.#faulted(this.#take(entries))) {
        for (const channel of [channelOf(event.native), '/data/ChangeEvents']) {
          deliver(channel, [event.message]);
        }
      }
    });
  }

  /** The replay ids of all events so far are no longer held. */
  expire() {
    this.#floor = this.#events.at(-1)?.message.replayId ?? 0;
    this.#events = [];
  }

  check(channel) {
    const known = this.#schema.objects().some(({ name }) => channelOf(name) === channel);
    return known || channel === '/data/ChangeEvents'
      ? null
      : `403::Channel ${channel} is not one that this user may subscribe to`;
  }

  invalid(channel, replayId) {
    const newest = this.#events.at(-1)?.message.replayId ?? this.#floor;
    const held = replayId > this.#floor && replayId <= newest;
    return held || replayId === -1 || replayId === -2
      ? null
      : `400::The replayId {${replayId}} you provided was invalid.  Please provide a valid ID, ` +
          '-2 to replay all events, or -1 to replay only new events.';
  }

  after(channel, replayId) {
    if (replayId === -1) {
      return [];
    }
    return this.#events
      .filter(({ native }) => [channelOf(native), '/data/ChangeEvents'].includes(channel))
      .map(({ message }) => message)
      .filter((message) => message.replayId > replayId);
  }

  /** Appends the events of log entries; those of one transaction that say the same are one. */
  #take(entries) {
    const made = [];
    for (const entry of entries) {
      const event = this.#event(entry);
      const last = made.at(-1);
      if (last?.same === event.same) {
        last.message.payload.ChangeEventHeader.recordIds.push(entry.id);
      } else {
        made.push(event);
      }
    }
    this.#events.push(...made);
    return made;
  }

  /** As they go out: what is lost or comes again stays in order for who asks for it later. */
  #faulted(events) {
    const out = [];
    for (const event of events) {
      const request = { method: 'EVENT', url: channelOf(event.native), isLogin: false };
      const header = event.message.payload.ChangeEventHeader;
      if (this.#faults.take('event_gap', request)) {
        event.message.payload = { ChangeEventHeader: gapHeader(header) };
      }
      if (this.#faults.take('event_overflow', request)) {
        const overflow = { ...gapHeader(header), changeType: 'GAP_OVERFLOW', recordIds: [] };
        event.message.payload = { ChangeEventHeader: overflow };
      }
      if (this.#faults.take('event_lost', request)) {
        continue;
      }
      if (this.#faults.take('event_late', request)) {
        this.#held.push(event); // After the one that comes next.
        continue;
      }
      out.push(event, ...this.#held.splice(0));
      if (this.#faults.take('event_repeated', request)) {
        out.push(event);
      }
    }
    return out;
  }

  #event({ n, transaction, table, id, op, before, after, actor, headers, at }) {
    const object = this.#schema.find(table);
    const changed = object.fields.filter(
      ({ name }) => !silent.has(name) && op !== 'delete' && before?.[name] !== after[name],
    );
    const payload = {};
    for (const field of changed.filter(({ name }) => op !== 'create' || after[name] !== null)) {
      payload[field.name] = eventValue(field, after[field.name]);
    }
    const nulled = changed.filter(({ name }) => after[name] === null && op === 'update');
    const header = {
      entityName: object.name,
      recordIds: [id],
      changeType: changeTypes[op],
      changeOrigin: originOf(actor, headers),
      transactionKey: `0000-${transaction}`,
      sequenceNumber: 1,
      commitTimestamp: Date.parse(at),
      commitNumber: 980_000 + transaction,
      commitUser: actor === 'human' ? humanUserId : apiUserId,
      changedFields: op === 'update' ? changed.map(({ name }) => name) : [],
      nulledFields: nulled.map(({ name }) => name),
      diffFields: [],
    };
    const same = JSON.stringify([transaction, table, op, payload, header.changeOrigin]);
    const message = {
      schema: `s${object.name}`,
      payload: { ChangeEventHeader: header, ...payload },
      replayId: idBase + n * idStep,
    };
    return { native: object.name, message, same };
  }
}

/** "Account" -> "/data/AccountChangeEvent", "Order__c" -> "/data/Order__ChangeEvent". */
function channelOf(native) {
  return `/data/${native.replace(/__c$/, '__')}ChangeEvent`;
}

function gapHeader({ entityName, recordIds, changeType, changeOrigin, ...rest }) {
  const { transactionKey, commitTimestamp, commitNumber, commitUser } = rest;
  const about = { transactionKey, commitTimestamp, commitNumber, commitUser, changeOrigin };
  return { entityName, recordIds, changeType: `GAP_${changeType}`, ...about };
}

function originOf(actor, headers) {
  if (actor === 'human') {
    return '';
  }
  const client = /client=([^,;\s]+)/.exec(headers['sforce-call-options'] ?? '')?.[1];
  return `com/salesforce/api/rest/62.0${client ? `;client=${client}` : ''}`;
}

function eventValue(field, value) {
  return field.type === 'datetime' && value !== null
    ? new Date(value).toISOString()
    : showValue(field, value);
}
