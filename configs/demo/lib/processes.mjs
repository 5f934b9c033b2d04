// Starts and stops the programs of the demo; every one is stopped by its pid, whatever happens.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';

const running = new Set();

/** A port of the loopback that is free now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export class Program {
  constructor(name, child, logFile) {
    Object.assign(this, { name, child, logFile, pid: child.pid, ended: false });
    this.end = new Promise((resolve) => child.once('exit', (code, signal) => {
      this.ended = true;
      running.delete(this);
      resolve({ code, signal });
    }));
  }

  async stop(signal = 'SIGTERM', limitMs = 20_000) {
    if (this.ended) return;
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), limitMs);
    await this.end;
    clearTimeout(timer);
  }
}

/**
 * Starts a program; what it prints goes to `folder/name.log`. With `ready`, waits for a line of
 * its output that matches and resolves to the program with the match as `readyMatch`.
 */
export async function start(name, command, args, { folder, env = {}, ready, cwd, uid, gid,
  limitMs = 60_000 } = {}) {
  const logFile = path.join(folder, `${name}.log`);
  const log = createWriteStream(logFile, { flags: 'a' });
  const child = spawn(command, args, {
    cwd, uid, gid, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  const program = new Program(name, child, logFile);
  running.add(program);
  let text = '';
  let found;
  const seen = new Promise((resolve) => {
    const take = (chunk) => {
      log.write(chunk);
      if (!ready || found) return;
      text += chunk;
      found = text.match(ready);
      if (found) resolve(found);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
  });
  const failed = new Promise((resolve) => child.once('error', resolve));
  if (!ready) return program;
  const limit = new Promise((resolve) => setTimeout(resolve, limitMs, 'late').unref());
  const first = await Promise.race([seen, failed, program.end, limit]);
  if (!found) {
    const why = first === 'late' ? `was not ready within ${limitMs / 1000} s` : 'ended at once';
    throw new Error(`${name} ${why}; see ${logFile}\n${text.slice(-2000)}`);
  }
  program.readyMatch = found;
  return program;
}

export async function stopAll() {
  await Promise.all([...running].map((program) => program.stop('SIGTERM', 8_000)));
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `condition` gives something true, and resolves to it; null after `limitMs`. */
export async function until(condition, limitMs = 30_000, everyMs = 100) {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await condition().catch(() => null);
    if (value) return value;
    if (Date.now() > end) return null;
    await sleep(everyMs);
  }
}
