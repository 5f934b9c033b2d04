// HTTP for every simulated platform: reads requests within limits, hands them to the platform,
// sends its replies, and lets armed faults interfere before, at and after the commit.

import http from 'node:http';
import zlib from 'node:zlib';
import { jsonReply, textReply, ReplyError } from './reply.mjs';
import { waitMs } from './clock.mjs';

const urlCharactersMax = 16_384;
const bodyBytesMax = 16 * 1024 * 1024;
const gatewayPage =
  '<!DOCTYPE html>\n<html><head><title>Sign in</title></head>' +
  '<body><h1>This page is shown by a gateway</h1></body></html>\n';

/** Which request headers the commit log keeps. */
const keptHeaders = /^(sforce-|idempotency-|x-|if-|syncline-|traceparent|content-type)/;

/** Options: platform, faults, control, clock, gzip (true, false). Returns an http.Server. */
export function createPlatformServer(options) {
  const settings = { maxHeaderSize: 65_536, keepAliveTimeout: 5_000 };
  return http.createServer(settings, (incoming, outgoing) => {
    serve(options, incoming, outgoing).catch((error) => {
      if (!incoming.destroyed) {
        // Otherwise the client has gone away, as it may.
        process.stderr.write(`${error.stack}\n`);
      }
      incoming.socket.destroy();
    });
  });
}

async function serve(options, incoming, outgoing) {
  const { platform, faults, control, clock } = options;
  const request = makeRequest(options, incoming);
  outgoing.sendDate = false;
  outgoing.setHeader('Date', new Date(clock.nowMs()).toUTCString());
  if (request.path.startsWith('/__control/')) {
    request.body = await readBody(incoming);
    send(outgoing, request, await control.handle(request));
    return;
  }
  if (faults.isDown || faults.take('reset_before', request)) {
    control.count(request, 'reset');
    incoming.socket.resetAndDestroy();
    return;
  }
  request.body = await readBody(incoming);
  const reply = (await injectedReply(options, request)) ?? (await handled(platform, request));
  await answer(options, { request, incoming, outgoing }, reply);
}

function makeRequest({ platform, faults }, incoming) {
  const url = incoming.url;
  const question = url.indexOf('?');
  const headers = incoming.headers;
  const request = {
    method: incoming.method,
    url,
    path: question < 0 ? url : url.slice(0, question),
    query: new URLSearchParams(question < 0 ? '' : url.slice(question + 1)),
    headers,
    body: null,
    committed: 0,
    json() {
      return JSON.parse(this.body.toString('utf8'));
    },
    takeFault(kind) {
      return faults.take(kind, this);
    },
    /** Who is writing, for the log; `user` is filled in by the platform. */
    author(user) {
      const onCommit = (count) => {
        this.committed += count;
      };
      const kept = Object.entries(headers).filter(([name]) => keptHeaders.test(name));
      const holdMs = this.takeFault('late_commit')?.delay_ms ?? 0;
      const userAgent = headers['user-agent'] ?? '';
      const kinds = { actor: 'api', user, userAgent, holdMs, onCommit };
      return { ...kinds, headers: Object.fromEntries(kept) };
    },
  };
  request.isLogin = platform.isLogin(request);
  return request;
}

/** The whole body, or null when it is over the limit (the rest is read and dropped). */
async function readBody(incoming) {
  const chunks = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size <= bodyBytesMax) {
      chunks.push(chunk);
    }
  }
  return size > bodyBytesMax ? null : Buffer.concat(chunks);
}

/** A reply that stands in for the platform's own; the request is not applied. */
async function injectedReply({ platform, faults, clock }, request) {
  const delay = faults.take('delay', request);
  if (delay) {
    await waitMs(delay.delay_ms);
  }
  if (faults.take('expire_sessions', request)) {
    platform.expireSessions();
  }
  if (faults.take('expire_locators', request)) {
    platform.expireLocators();
  }
  const throttle = faults.take('throttle', request);
  if (throttle) {
    return throttledReply(platform, throttle, clock);
  }
  const status = faults.take('status', request);
  if (status) {
    return statusReply(platform, status);
  }
  const page = faults.take('html_200', request);
  return page ? textReply(200, page.body ?? gatewayPage, 'text/html;charset=UTF-8') : null;
}

async function handled(platform, request) {
  if (request.url.length > urlCharactersMax) {
    return textReply(414, 'URI Too Long', 'text/plain');
  }
  if (request.body === null) {
    return textReply(413, 'Request Entity Too Large', 'text/plain');
  }
  try {
    return await platform.handle(request);
  } catch (error) {
    if (error instanceof ReplyError) {
      return error.reply;
    }
    process.stderr.write(`${request.method} ${request.url}: ${error.stack}\n`);
    return platform.errorReply(500);
  }
}

function statusReply(platform, fault) {
  const status = fault.status ?? 500;
  const headers = fault.headers ?? {};
  if (fault.body === undefined) {
    const reply = platform.errorReply(status);
    return { ...reply, headers: { ...reply.headers, ...headers } };
  }
  return typeof fault.body === 'string'
    ? textReply(status, fault.body, 'text/html;charset=UTF-8', headers)
    : jsonReply(status, fault.body, headers);
}

/** retry_after: seconds, "http-date" (30 s ahead), any other text as it stands, null for none. */
function throttledReply(platform, fault, clock) {
  const reply = platform.throttleReply(fault);
  const headers = { ...reply.headers };
  if (fault.retry_after !== undefined) {
    delete headers['Retry-After'];
    if (fault.retry_after === 'http-date') {
      headers['Retry-After'] = new Date(clock.nowMs() + 30_000).toUTCString();
    } else if (fault.retry_after !== null) {
      headers['Retry-After'] = String(fault.retry_after);
    }
  }
  return { ...reply, headers, status: fault.status ?? reply.status };
}

async function answer(options, exchange, reply) {
  const { platform, faults, control } = options;
  const { request, incoming, outgoing } = exchange;
  if (reply.reset) {
    control.count(request, 'reset');
    incoming.socket.resetAndDestroy();
    return;
  }
  let final = reply;
  const isLost = faults.take('drop_reply', request);
  if (isLost || (request.committed > 0 && faults.take('drop_reply_after_commit', request))) {
    control.count(request, 'dropped');
    incoming.socket.destroy();
    return;
  }
  if (request.committed > 0) {
    const failing = faults.take('status_after_commit', request);
    final = failing ? statusReply(platform, failing) : reply;
  }
  const cut = final.body && faults.take('truncated_json', request);
  if (cut) {
    final = { ...final, body: platform.truncate(final.body, cut.at_bytes) };
  }
  control.count(request, final.status);
  const drip = final.body ? faults.take('slow_drip', request) : null;
  if (drip) {
    await sendSlowly(outgoing, request, final, drip);
  } else {
    send(outgoing, request, final, options.gzip);
  }
}

function writeHead(outgoing, reply, length) {
  for (const [name, value] of Object.entries(reply.headers)) {
    outgoing.setHeader(name, value);
  }
  if (reply.contentType) {
    outgoing.setHeader('Content-Type', reply.contentType);
  }
  if (reply.status !== 204 && reply.status !== 304) {
    outgoing.setHeader('Content-Length', length);
  }
  outgoing.writeHead(reply.status);
}

function send(outgoing, request, reply, gzip = false) {
  let bytes = Buffer.from(reply.body);
  let headers = reply.headers;
  const wanted = gzip && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  if (wanted && bytes.length > 1_024) {
    bytes = zlib.gzipSync(bytes);
    headers = { ...headers, 'Content-Encoding': 'gzip' };
  }
  writeHead(outgoing, { ...reply, headers }, bytes.length);
  outgoing.end(request.method === 'HEAD' ? undefined : bytes);
}

async function sendSlowly(
  outgoing,
  request,
  reply,
  { delay_ms: delayMs = 5, chunk_bytes: size = 1 },
) {
  const bytes = Buffer.from(reply.body);
  const step = Math.max(1, size);
  writeHead(outgoing, reply, bytes.length);
  for (let at = 0; at < bytes.length && !outgoing.destroyed; at += step) {
    outgoing.write(bytes.subarray(at, at + step));
    await waitMs(delayMs);
  }
  outgoing.end();
}
