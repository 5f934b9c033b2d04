// A mail server: takes mails by SMTP, reads them as a mail program would, and answers as a test
// wants it to.
//
//   POST /__control/answer   {"code": 451, "times": 2, "only": "an address"}
//   GET  /__control/received {"received": [{id, from, to, subject, text}, ...]}
import http from 'node:http';
import { text } from 'node:stream/consumers';

import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

const received = [];
let answers = [];

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS', 'AUTH'],
  onRcptTo(address, session, done) {
    const answer = answers.find((one) => !one.only || one.only === address.address);
    if (!answer) return done();
    answer.times -= 1;
    answers = answers.filter((one) => one.times > 0);
    return done(Object.assign(new Error('says the server'), { responseCode: answer.code }));
  },
  onData(stream, session, done) {
    simpleParser(stream).then((mail) => {
      received.push({
        id: mail.messageId,
        from: mail.from.value[0].address,
        to: session.envelope.rcptTo[0].address,
        subject: mail.subject,
        text: mail.text,
      });
      done();
    }, done);
  },
});

const control = http.createServer(async (request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  if (request.url === '/__control/received') return response.end(JSON.stringify({ received }));
  answers.push(JSON.parse(await text(request)));
  return response.end('{}');
});

server.listen(0, '127.0.0.1', () => {
  control.listen(0, '127.0.0.1', () => {
    const url = `http://127.0.0.1:${control.address().port}`;
    const smtp = `smtp://127.0.0.1:${server.server.address().port}`;
    process.stdout.write(`READY ${JSON.stringify({ url, smtp, pid: process.pid })}\n`);
  });
});
process.on('SIGTERM', () => process.exit(0));
