import type { Duplex } from 'node:stream';
import { ErrandError } from '../../../protocol/problem.ts';
import { within } from '../../base/deadline.ts';
import { readClientHello, type ClientHello } from './client-hello.ts';

/** A fatal TLS alert, `access_denied`. Every TLS client shows it in its error message. */
const ACCESS_DENIED = Buffer.from([21, 3, 3, 0, 2, 2, 49]);

/**
 * Waits for the worker's TLS handshake and checks that it names `host`. The bytes that were read are put back into
 * the stream. Rejects with `invalid` where the bytes are not TLS or no handshake came within `timeout_ms`, and with
 * `forbidden` where it names another host or hides the name.
 */
export async function expectHandshake(client: Duplex, host: string, timeout_ms: number): Promise<void> {
  const first = await within(timeout_ms, readFirstMessage(client));
  if (!first) throw new ErrandError('invalid', `No TLS handshake came within ${timeout_ms} ms.`);
  client.unshift(first.bytes);
  const { server_name, encrypted } = first.hello;
  if (encrypted) throw new ErrandError('forbidden', 'The TLS handshake hides the host name (ECH).');
  if (server_name !== host)
    throw new ErrandError('forbidden', `The TLS handshake names ${server_name ?? 'no host'} instead of ${host}.`);
}

/**
 * Ends a tunnel whose handshake was refused. The 200 response has been sent, so only a TLS alert can tell the client.
 */
export function refuseHandshake(client: Duplex): void {
  client.end(ACCESS_DENIED, () => client.destroy());
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
