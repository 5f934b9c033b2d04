// What is the same of the platforms, unless a product does it otherwise. Each has besides:
// handle(request) and throttleReply(fault), the replies; errorReply(status), the usual one of a
// status; asError(error), its own error, with a reply(), of what was thrown, else thrown again;
// actAsHuman(action, {object, id, fields, stamp, author}), and what its own faults call.

export class Platform {
  /** The path that sessions begin with. */
  tokenPath = null;

  isLogin({ path }) {
    return path === this.tokenPath;
  }

  /** A short name of what was asked for, with ids taken out, to count requests by. */
  pathClass({ path }) {
    return path;
  }

  truncate(body, atBytes) {
    const bytes = Buffer.from(body);
    return bytes.subarray(0, atBytes ?? Math.floor(bytes.length / 2));
  }

  /** A row of the store as tests see it. */
  showRow(table, row) {
    return row;
  }

  /** What the READY line tells of the credentials. */
  ready(credentials) {
    return credentials;
  }
}
