// The process of workflow_bench.cc as a service of Restate: three steps, each made durable before
// the next begins, each with what would undo it. Its operations cost nothing, as there, where what
// agents would say is already stored. A child of bench.mjs, which speaks to it over IPC.
import { createServer } from 'node:http2';
import { endpoint, service } from '@restatedev/restate-sdk';

// The SDK takes this for given, as Node.js 22 brings it; with it the SDK runs on 20 as well.
Promise.withResolvers ??= () => {
  const out = {};
  out.promise = new Promise((resolve, reject) => Object.assign(out, { resolve, reject }));
  return out;
};

const seen = new Set();
let held = Promise.resolve();
let release = () => {};
let expected = 0;

const perform = (number) => ({ made: `M-${number}` });

const bench = service({
  name: 'process',
  handlers: {
    run: async (context, { number }) => {
      await held; // Kept by nothing: so that all starts are stored before the first step.
      const undo = [];
      try {
        for (const step of ['one', 'two', 'three']) {
          undo.unshift(() => context.run(`undo ${step}`, () => perform(number)));
          await context.run(step, () => perform(number));
        }
      } catch (error) {
        for (const compensate of undo) await compensate();
        throw error;
      }
      seen.add(number);
      if (seen.size === expected) process.send({ finished: expected });
    },
  },
});

process.on('message', ({ hold, expect }) => {
  if (expect) expected = expect;
  release();
  if (hold) held = new Promise((resolve) => { release = resolve; });
});
process.on('disconnect', () => process.exit(0));

const server = createServer(endpoint().bind(bench).http2Handler());
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
