// Request Tracker 5 as Debian ships it, with PostgreSQL: its own standalone server with four
// workers, no mail leaves. `--help` tells the flags.
//
// One setting is not RT's own: the cost of a password's hash, which RT pays for each request (a
// token is hashed as well). With its 12 a request takes 0.4 s on the machines that test.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { runReal } from '../lib/real_platform.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const program = '/usr/share/request-tracker5/libexec/rt-server';
const setup = '/usr/sbin/rt-setup-database-5';
const mason = 'mason';

function settings(folder, port) {
  return `
Set($rtname, 'syncline.test');
Set($Organization, 'example.test');
Set($Timezone, 'UTC');
Set($WebDomain, '127.0.0.1');
Set($WebPort, ${port});
Set($DatabaseType, 'Pg');
Set($DatabaseHost, '${folder}');
Set($DatabaseName, 'rt5');
Set($DatabaseUser, 'rt_user');
Set($DatabasePassword, 'trusted');
Set($DatabaseAdmin, 'postgres');
Set($MailCommand, 'testfile');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
Set($BcryptCost, 4);
Set(%GnuPG, Enable => 0);
Set(%SMIME, Enable => 0);
$RT::MasonDataDir = '${folder}/${mason}';
$RT::MasonSessionDir = '${folder}/${mason}';
1;
`;
}

/** The environment that makes RT's programs read our settings and leave the machine's alone. */
function environment(children, port) {
  const site = children.write('RT_SiteConfig.pm', settings(children.folder, port));
  for (const name of [mason, 'none', 'tmp']) {
    const folder = path.join(children.folder, name);
    fs.mkdirSync(folder, { recursive: true });
    children.own(folder);
  }
  return {
    RT_SITE_CONFIG: site,
    RT_SITE_CONFIG_DIR: path.join(children.folder, 'none'),
    TMPDIR: path.join(children.folder, 'tmp'),
  };
}

async function make({ children }) {
  const env = environment(children, 80);
  await children.run([setup, '--action', 'init', '--dba', 'postgres', '--dba-password', ''],
    { env, log: 'setup' });
  await children.run(['perl', children.write('prepare.pl', fs.readFileSync(prepare))],
    { env, log: 'prepared' });
  const said = fs.readFileSync(path.join(children.folder, 'prepared.log'), 'utf8');
  return JSON.parse(said.trim().split('\n').at(-1));
}

function serve({ children, port, made, flags }) {
  const words = [program, '--server', 'Starlet', '--host', '127.0.0.1', '--port', port];
  words.push('--max-workers', flags.workers);
  const child = children.start(words, { env: environment(children, port), log: 'rt' });
  return { child, probe: '/REST/2.0/rt', ready: made };
}

const prepare = path.join(here, 'prepare.pl');

await runReal({
  name: 'rt',
  about: 'Request Tracker 5',
  flags: { workers: { default: '4', about: 'processes that answer' } },
  needs: [program, setup],
  packages: ['request-tracker5'],
  sources: [prepare, fileURLToPath(import.meta.url)],
  make,
  serve,
});
