// A proxy that puts the hub under a sub-path, as companies do, and changes nothing else.
import { createServer, request } from 'node:http';

export async function proxyUnder(prefix, target) {
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    if (!incoming.url.startsWith(prefix)) {
      outgoing.writeHead(404).end('outside');
      return;
    }
    const path = `/${incoming.url.slice(prefix.length)}`;
    const asked = request({ hostname, port, path, method: incoming.method,
      headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    asked.on('error', () => outgoing.writeHead(502).end());
    incoming.pipe(asked);
    outgoing.on('close', () => asked.destroy());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}${prefix}`,
    stop: () => { server.closeAllConnections(); server.close(); } };
}
