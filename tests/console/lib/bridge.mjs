// The program that the exec connector runs: hands each request to the platform in the test's own
// process, and its answer back. Plain Node; started by an agent.
import { createInterface } from 'node:readline';

const url = process.env.PLATFORM_URL;
for await (const line of createInterface({ input: process.stdin })) {
  const answer = await fetch(url, { method: 'POST', body: line }).then((one) => one.text(),
    (error) => JSON.stringify({ id: JSON.parse(line).id,
      error: { class: 'unavailable', text: String(error) } }));
  process.stdout.write(`${answer}\n`);
}
