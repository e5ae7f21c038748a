import type { Duplex } from 'node:stream';
import { ErrandError } from '../../../protocol/problem.ts';
import { readClientHello, type ClientHello } from './client-hello.ts';

/** A fatal alert of TLS, access_denied: every client prints something of it. */
const ACCESS_DENIED = Buffer.from([21, 3, 3, 0, 2, 2, 49]);

/**
 * Waits for the worker to begin a TLS handshake, and holds it to the host that it was let through for. What was read is put back. Throws
 * `invalid` where it is no TLS or none within `timeout_ms`, `forbidden` where it names another host or hides one.
 */
export async function expectHandshake(client: Duplex, host: string, timeout_ms: number): Promise<void> {
  const late = new ErrandError('invalid', `No TLS handshake came within ${timeout_ms} ms.`);
  const timer = setTimeout(() => client.destroy(late), timeout_ms);
  const { server_name, encrypted } = await firstMessage(client).finally(() => clearTimeout(timer));
  if (encrypted) throw new ErrandError('forbidden', 'The TLS handshake hides the name of the host (ECH).');
  if (server_name !== host)
    throw new ErrandError('forbidden', `The TLS handshake names ${server_name ?? 'no host'}, and not ${host}.`);
}

/** Ends a tunnel that did not begin with the handshake that it must: after the 200 only TLS can be answered, by an alert. */
export function refuseHandshake(client: Duplex): void {
  client.end(ACCESS_DENIED, () => client.destroy());
}

async function firstMessage(client: Duplex): Promise<ClientHello> {
  const { bytes, hello } = await readFirstMessage(client);
  client.unshift(bytes);
  return hello;
}

async function readFirstMessage(client: Duplex): Promise<{ bytes: Buffer; hello: ClientHello }> {
  const chunks: AsyncIterable<Buffer> = client.iterator({ destroyOnReturn: false });
  let bytes: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    bytes = Buffer.concat([bytes, chunk]);
    const hello = readClientHello(bytes);
    if (hello) return { bytes, hello };
  }
  throw new ErrandError('invalid', 'The connection ended before its TLS handshake.');
}
