// A simulated platform as a program: command line, credentials, store, faults, HTTP, start, stop.

import fs from 'node:fs';
import { Clock } from './clock.mjs';
import { loadCredentials, parseCommandLine } from './command_line.mjs';
import { Control } from './control.mjs';
import { Faults } from './faults.mjs';
import { createPlatformServer } from './http_server.mjs';
import { Store } from './store.mjs';

/**
 * Runs `Platform`, a class of platform.mjs, until SIGTERM or SIGINT. Of the product: its `name`;
 * `flags` beside the common ones; `Schema`, made of what `schemaFile` has, and `--schema` in its
 * place; `credentials` by default; `faults` beside those of all; `lockWaitMs` of the store.
 */
export function runPlatform(Platform, product) {
  const options = parseCommandLine(product.name, product.flags, process.argv.slice(2));
  const tables = JSON.parse(fs.readFileSync(options.schema ?? product.schemaFile, 'utf8'));
  const schema = new product.Schema(tables, options);
  const credentials = loadCredentials(options.data, product.credentials, options);
  const clock = new Clock(options['clock-skew-ms']);
  const { lockWaitMs } = product;
  const indexes = schema.indexes();
  const store = new Store({ directory: options.data, clock, indexes, lockWaitMs });
  const faults = new Faults(product.faults);
  let address = '';
  const url = () => address;
  const platform = new Platform({ options, credentials, schema, clock, store, faults, url });
  const control = new Control({ platform, store, faults, clock });
  const server = createPlatformServer({ platform, faults, control, clock, gzip: options.gzip });
  stopOnSignal(server, store);
  const { host, port } = options;
  server.listen(port, host, () => {
    address = `http://${host.includes(':') ? `[${host}]` : host}:${server.address().port}`;
    const ready = { url: address, pid: process.pid, ...platform.ready(credentials) };
    process.stdout.write(`READY ${JSON.stringify(ready)}\n`);
  });
}

function stopOnSignal(server, store) {
  const stop = () => {
    server.close(() => {
      store.close();
      process.exit(0);
    });
    server.closeAllConnections();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  server.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
}
