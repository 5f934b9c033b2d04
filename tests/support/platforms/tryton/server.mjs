// Tryton 6.0 as Debian ships it, with PostgreSQL and the modules party, sale and those that keep
// credit limits (and what they need): its own server, in threads. `--help` tells the flags.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { runReal } from '../lib/real_platform.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const prepare = path.join(here, 'prepare.py');
const server = '/usr/bin/trytond';
const admin = '/usr/bin/trytond-admin';
// Debian's, for which its modules are installed, even where another one comes first in PATH.
const python = '/usr/bin/python3';
const modules = ['party', 'sale', 'account_credit_limit', 'sale_credit_limit'];
const database = 'erp';
const month = '2592000'; // Seconds; Tryton's own default.

function configure(children, { port, maxAge, attempts }) {
  return children.write('trytond.conf', `[web]
listen = 127.0.0.1:${port}
[database]
uri = postgresql://postgres@/
[session]
max_age = ${maxAge}
max_attempt = ${attempts}
[email]
uri = smtp://127.0.0.1:1
`);
}

const environment = (children) => ({ PGHOST: children.folder, PYTHONDONTWRITEBYTECODE: '1' });

async function make({ children, database: postgres }) {
  await postgres.sql('postgres', `CREATE DATABASE ${database}`);
  const settings = configure(children, { port: 1, maxAge: month, attempts: 5 });
  const secret = children.write('admin', 'admin-of-the-tests');
  const env = { ...environment(children), TRYTONPASSFILE: secret };
  const words = [python, admin, '-c', settings, '-d', database, '--email', 'admin@example.test'];
  await children.run([...words, '-u', ...modules, '--activate-dependencies'],
    { env, log: 'activated' });
  const script = children.write('prepare.py', fs.readFileSync(prepare));
  await children.run([python, script, settings, database], { env, log: 'prepared' });
  const said = fs.readFileSync(path.join(children.folder, 'prepared.log'), 'utf8');
  return JSON.parse(said.trim().split('\n').at(-1));
}

function serve({ children, port, url, made, flags }) {
  const settings = configure(children, {
    port,
    maxAge: flags['session-max-age-s'],
    attempts: flags['max-attempt'],
  });
  const child = children.start([python, server, '-c', settings, '-d', database],
    { env: environment(children), log: 'trytond' });
  return { child, probe: '/', ready: { ...made, api: `${url}/${database}/` } };
}

await runReal({
  name: 'tryton',
  about: 'Tryton 6.0',
  flags: {
    'session-max-age-s': { default: month, about: 'how long a session lasts, used or not' },
    'max-attempt': { default: '5', about: 'failed logins before a name has to wait' },
  },
  needs: [server, admin, '/usr/lib/python3/dist-packages/trytond/modules/sale_credit_limit'],
  packages: ['tryton-server', 'tryton-modules-party', 'tryton-modules-sale',
    'tryton-modules-account-credit-limit', 'tryton-modules-sale-credit-limit'],
  sources: [prepare, fileURLToPath(import.meta.url)],
  make,
  serve,
});
