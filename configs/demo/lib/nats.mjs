// As much of the NATS client protocol as the demo needs to look into streams and to repeat a
// message: INFO, CONNECT, SUB, PUB, MSG, PING. The product itself uses nats.c.
import { connect } from 'node:net';

export class Nats {
  static open(port) {
    const nats = new Nats();
    return new Promise((resolve, reject) => {
      nats.socket = connect(port, '127.0.0.1');
      nats.socket.once('error', reject);
      nats.waiting = new Map();
      nats.buffer = Buffer.alloc(0);
      nats.next = 1;
      nats.socket.on('data', (data) => nats.take(data));
      nats.socket.write('CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n'
        + 'SUB _INBOX.demo.* 1\r\nPING\r\n');
      nats.ready = resolve;
    });
  }

  take(data) {
    this.buffer = Buffer.concat([this.buffer, data]);
    for (;;) {
      const end = this.buffer.indexOf('\r\n');
      if (end < 0) return;
      const line = this.buffer.subarray(0, end).toString();
      const words = line.split(' ');
      if (words[0] === 'MSG' || words[0] === 'HMSG') {
        const total = Number(words.at(-1));
        if (this.buffer.length < end + 4 + total) return;
        const head = words[0] === 'HMSG' ? Number(words.at(-2)) : 0;
        const body = this.buffer.subarray(end + 2 + head, end + 2 + total);
        const taker = this.waiting.get(words[1]);
        this.waiting.delete(words[1]);
        taker?.(Buffer.from(body));
        this.buffer = this.buffer.subarray(end + 4 + total);
        continue;
      }
      this.buffer = this.buffer.subarray(end + 2);
      if (words[0] === 'PING') this.socket.write('PONG\r\n');
      if (words[0] === 'PONG') this.ready(this);
    }
  }

  request(subject, body = '', limitMs = 5_000) {
    const inbox = `_INBOX.demo.${this.next++}`;
    const bytes = Buffer.from(body);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(inbox);
        reject(new Error(`no answer to ${subject}`));
      }, limitMs);
      this.waiting.set(inbox, (answer) => { clearTimeout(timer); resolve(answer); });
      this.socket.write(`PUB ${subject} ${inbox} ${bytes.length}\r\n`);
      this.socket.write(Buffer.concat([bytes, Buffer.from('\r\n')]));
    });
  }

  async api(subject, body) {
    const answer = await this.request(`$JS.API.${subject}`, body ? JSON.stringify(body) : '');
    return JSON.parse(answer.toString());
  }

  /** The newest stored message under a subject, or null. */
  async last(stream, subject) {
    const answer = await this.api(`STREAM.MSG.GET.${stream}`, { last_by_subj: subject });
    if (!answer.message) return null;
    return { subject: answer.message.subject, seq: answer.message.seq,
      body: Buffer.from(answer.message.data ?? '', 'base64') };
  }

  async messages(stream) {
    return (await this.api(`STREAM.INFO.${stream}`)).state?.messages ?? 0;
  }

  close() { this.socket.destroy(); }
}
