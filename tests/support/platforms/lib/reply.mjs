// Replies are plain values {status, headers, body, contentType}; only http_server.mjs sends them.

import { randomBytes } from 'node:crypto';

const mark = randomBytes(8).toString('hex');
const decimalPattern = new RegExp(`"${mark}:(-?[0-9.]+)"`, 'g');

/** A number that must appear in JSON with these very digits, such as 100.0. */
export class DecimalText {
  constructor(digits) {
    this.digits = digits;
  }

  toJSON() {
    return `${mark}:${this.digits}`;
  }
}

export function encodeJson(value) {
  return JSON.stringify(value).replace(decimalPattern, '$1');
}

export function jsonReply(status, value, headers = {}) {
  const contentType = 'application/json;charset=UTF-8';
  return { status, headers, body: encodeJson(value), contentType };
}

export function textReply(status, body, contentType, headers = {}) {
  return { status, headers, body, contentType };
}

export function emptyReply(status, headers = {}) {
  return { status, headers, body: '', contentType: null };
}

/** Thrown anywhere below a handler to end the request with this reply. */
export class ReplyError extends Error {
  constructor(reply) {
    super(`reply ${reply.status}`);
    this.reply = reply;
  }
}

export function parseBasic(header) {
  const match = /^Basic\s+(\S+)$/i.exec(header ?? '');
  if (!match) {
    return null;
  }
  const text = Buffer.from(match[1], 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

export function parseBearer(header) {
  return /^(?:Bearer|OAuth)\s+(\S+)$/i.exec(header ?? '')?.[1] ?? null;
}
