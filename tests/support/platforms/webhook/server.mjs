// Somebody who is told of business events: checks each signature with the Standard Webhooks
// library that its authors publish, and answers as a test wants it to.
//
//   POST /__control/answer   {"status": 503, "times": 3, "body": "...", "only": "text in the body"}
//   GET  /__control/received {"received": [{id, type, key, data, fault?}, ...]}
import http from 'node:http';
import { text } from 'node:stream/consumers';

import { Webhook } from 'standardwebhooks';

const key = `whsec_${Buffer.from('a key of thirty-two bytes, no less').toString('base64')}`;
const webhook = new Webhook(key);
const received = [];
let answers = [];

function reply(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

async function control(request, response) {
  if (request.url === '/__control/received') return reply(response, 200, { received });
  answers.push(JSON.parse(await text(request)));
  return reply(response, 200, {});
}

async function take(request, response) {
  const body = await text(request);
  const answer = answers.find((one) => !one.only || body.includes(one.only));
  if (answer) {
    answer.times -= 1;
    answers = answers.filter((one) => one.times > 0);
    return reply(response, answer.status, answer.body ?? '');
  }
  const one = { id: request.headers['webhook-id'] };
  try {
    Object.assign(one, webhook.verify(body, request.headers), { id: one.id });
  } catch (error) {
    one.fault = error.message;
  }
  received.push(one);
  return reply(response, one.fault ? 401 : 204, '');
}

const server = http.createServer((request, response) => {
  const done = request.url.startsWith('/__control/') ? control : take;
  done(request, response).catch((error) => reply(response, 500, error.message));
});
server.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  process.stdout.write(`READY ${JSON.stringify({ url, pid: process.pid, key })}\n`);
});
process.on('SIGTERM', () => process.exit(0));
