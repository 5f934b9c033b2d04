// Flags and credentials of a platform server; the same for each.

import fs from 'node:fs';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';

const loopbackHosts = ['127.0.0.1', '::1', 'localhost'];

const commonFlags = {
  data: { argument: 'DIR', about: 'where the records are kept (created; required)' },
  port: { argument: 'N', default: '0', about: 'TCP port; 0 picks a free one' },
  host: { argument: 'HOST', default: '127.0.0.1', about: 'loopback address to bind' },
  'clock-skew-ms': { argument: 'N', default: '0', about: "how far this platform's clock is ahead" },
  schema: { argument: 'FILE', about: 'tables and fields; default schema.json beside the server' },
  gzip: { argument: 'on|off', default: 'off', about: 'compress replies for clients that ask' },
};

/**
 * Parses `argv` against the common flags and `extra`; prints help or a problem and exits. Flags
 * that take N are numbers, those that take on|off booleans.
 */
export function parseCommandLine(name, extra, argv) {
  const flags = { ...commonFlags, ...extra };
  const options = { help: { type: 'boolean' } };
  for (const [flag, { default: value }] of Object.entries(flags)) {
    options[flag] = { type: 'string', ...(value === undefined ? {} : { default: value }) };
  }
  let values;
  try {
    ({ values } = parseArgs({ args: argv, options, strict: true }));
  } catch (error) {
    fail(name, error.message);
  }
  if (values.help) {
    process.stdout.write(helpText(name, flags));
    process.exit(0);
  }
  if (!values.data) {
    fail(name, '--data DIR is required');
  }
  if (!loopbackHosts.includes(values.host)) {
    fail(name, `--host ${values.host} is not loopback`);
  }
  for (const [flag, { argument }] of Object.entries(flags)) {
    if (argument === 'N') {
      if (!/^-?\d+$/.test(values[flag])) {
        fail(name, `--${flag} takes a whole number`);
      }
      values[flag] = Number(values[flag]);
    } else if (argument === 'on|off') {
      if (!['on', 'off'].includes(values[flag])) {
        fail(name, `--${flag} takes on or off`);
      }
      values[flag] = values[flag] === 'on';
    }
  }
  return values;
}

function fail(name, problem) {
  process.stderr.write(`${name}: ${problem}; try --help\n`);
  process.exit(2);
}

function helpText(name, flags) {
  const lines = Object.entries(flags).map(([flag, { argument, about, default: value }]) => {
    const shown = value === undefined ? '' : ` [${value}]`;
    return `  ${`--${flag} ${argument}`.padEnd(34)}${about}${shown}`;
  });
  return (
    `A simulated ${name} on loopback, for tests.\n\nnode server.mjs --data DIR [flags]\n\n` +
    `${lines.join('\n')}\n  --help\n\n` +
    'Prints one line READY {"url", "pid", credentials} when it listens. SIGTERM stops it.\n'
  );
}

/** Credentials made once per data directory; flags of their names win over the stored ones. */
export function loadCredentials(directory, defaults, options) {
  const file = path.join(directory, 'credentials.json');
  fs.mkdirSync(directory, { recursive: true });
  const stored = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
  const credentials = { ...defaults, ...stored };
  for (const name of Object.keys(defaults)) {
    credentials[name] = options[name.replaceAll('_', '-')] ?? credentials[name];
  }
  const draft = `${file}.new`;
  fs.writeFileSync(draft, `${JSON.stringify(credentials, null, 2)}\n`, {
    mode: 0o600,
    flush: true,
  });
  fs.renameSync(draft, file);
  return credentials;
}

export function randomSecret() {
  return randomBytes(18).toString('base64url');
}
