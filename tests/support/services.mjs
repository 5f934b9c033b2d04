// What a client library of NATS itself sees of our services: node services.mjs URL
// Prints one JSON object: { "ping": [...], "info": [...], "stats": [...] }.
import { connect } from 'nats';

const nc = await connect({ servers: process.argv[2] });
const client = nc.services.client({ strategy: 'stall', maxWait: 2000 });
const all = async (answers) => {
  const out = [];
  for await (const answer of await answers) out.push(answer);
  return out;
};
const seen = {
  ping: await all(client.ping()),
  info: await all(client.info()),
  stats: await all(client.stats()),
};
console.log(JSON.stringify(seen));
await nc.close();
