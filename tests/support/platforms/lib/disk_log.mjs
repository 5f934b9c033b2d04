// An append-only file of JSON lines. append() returns after fsync: what it took survives kill -9.
// On open, an unfinished last line (a write the process died in) is cut off; a bad line anywhere
// else is corruption and refuses to open.

import fs from 'node:fs';
import path from 'node:path';

export class DiskLog {
  #descriptor;
  #size;

  constructor(descriptor, size) {
    this.#descriptor = descriptor;
    this.#size = size;
  }

  /** Opens or creates `name` in `directory`. Returns {log, entries, cutBytes}. */
  static open(directory, name) {
    fs.mkdirSync(directory, { recursive: true });
    const file = path.join(directory, name);
    const descriptor = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
    const content = fs.readFileSync(descriptor);
    const { entries, goodBytes } = decode(content, file);
    if (goodBytes < content.length) {
      fs.ftruncateSync(descriptor, goodBytes);
    }
    fs.fsyncSync(descriptor);
    syncDirectory(directory);
    const log = new DiskLog(descriptor, goodBytes);
    return { log, entries, cutBytes: content.length - goodBytes };
  }

  /** Writes one entry and waits for the disk. If the disk refuses, the file is left as it was. */
  append(entry) {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    try {
      let written = 0;
      while (written < line.length) {
        const length = line.length - written;
        written += fs.writeSync(this.#descriptor, line, written, length, this.#size + written);
      }
      fs.fsyncSync(this.#descriptor);
    } catch (error) {
      fs.ftruncateSync(this.#descriptor, this.#size);
      throw error;
    }
    this.#size += line.length;
  }

  close() {
    fs.closeSync(this.#descriptor);
  }
}

function decode(content, file) {
  const entries = [];
  let start = 0;
  while (start < content.length) {
    const end = content.indexOf(0x0a, start);
    if (end < 0) {
      break;
    }
    try {
      entries.push(JSON.parse(content.toString('utf8', start, end)));
    } catch (error) {
      if (end === content.length - 1) {
        break; // The last line: its blocks reached the disk out of order.
      }
      throw new Error(`${file}: byte ${start}: not a JSON line (${error.message})`);
    }
    start = end + 1;
  }
  return { entries, goodBytes: start };
}

function syncDirectory(directory) {
  const descriptor = fs.openSync(directory, fs.constants.O_RDONLY);
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}
