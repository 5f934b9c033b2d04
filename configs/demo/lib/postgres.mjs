// A real PostgreSQL server with a data folder of its own; run as `postgres` when we are root,
// because the server refuses root.
import { execFile, execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort, start, until } from './processes.mjs';

const run = promisify(execFile);

function binaries() {
  const root = '/usr/lib/postgresql';
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return path.join(root, versions[0], 'bin');
}

function account() {
  if (process.getuid() !== 0) return {};
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres']).toString());
  return { uid: id('-u'), gid: id('-g') };
}

export class Postgres {
  constructor(folder) {
    this.folder = folder;
    this.data = path.join(folder, 'erp-data');
    this.bin = binaries();
    this.who = account();
  }

  async create(password) {
    this.password = password;
    this.port = await freePort();
    mkdirSync(this.data, { recursive: true, mode: 0o700 });
    const secret = path.join(this.folder, 'erp-password');
    writeFileSync(secret, `${password}\n`, { mode: 0o600 });
    if (this.who.uid !== undefined) {
      for (const file of [this.data, secret]) chownSync(file, this.who.uid, this.who.gid);
    }
    await run(path.join(this.bin, 'initdb'), ['-D', this.data, '-U', 'erp_admin', '-A',
      'scram-sha-256', `--pwfile=${secret}`, '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'],
    { ...this.who, cwd: '/' });
    await this.start();
  }

  async start() {
    const settings = { port: this.port, listen_addresses: '127.0.0.1', wal_level: 'logical',
      unix_socket_directories: '', max_slot_wal_keep_size: '512MB', log_min_messages: 'warning',
      max_connections: 40, shared_buffers: '32MB' };
    const args = ['-D', this.data];
    for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
    this.program = await start('erp-postgres', path.join(this.bin, 'postgres'), args,
      { folder: this.folder, cwd: '/', ...this.who });
    const up = await until(async () => (await this.sql('SELECT 1', 'postgres')).length > 0, 30_000);
    if (!up) throw new Error(`PostgreSQL does not start; see ${this.program.logFile}`);
  }

  /** As a crash does: every process of the server gone at once. */
  async kill() { await this.program.stop('SIGQUIT'); }

  /** Rows as lists of text; no values are put into the text here, callers quote(). */
  async sql(text, database = 'erp') {
    const { stdout } = await run('psql', ['-X', '-q', '-t', '-A', '-F', '\t', '-v',
      'ON_ERROR_STOP=1', '-h', '127.0.0.1', '-p', String(this.port), '-U', 'erp_admin', '-d',
      database, '-c', text], { env: { ...process.env, PGPASSWORD: this.password } });
    return stdout.split('\n').filter((line) => line !== '').map((line) => line.split('\t'));
  }

  async file(name) {
    await run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', '127.0.0.1', '-p',
      String(this.port), '-U', 'erp_admin', '-d', 'erp', '-f', name],
    { env: { ...process.env, PGPASSWORD: this.password } });
  }
}

export const quote = (text) => `'${String(text).replaceAll("'", "''")}'`;
