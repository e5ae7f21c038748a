import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { toProblem } from '../../../protocol/problem.ts';

/** A fatal alert of TLS: access_denied. Every client prints something of it. */
const ACCESS_DENIED = Buffer.from([21, 3, 3, 0, 2, 2, 49]);

/** Answers a CONNECT with why there is no tunnel, and hangs up. The header `errand-error` bears the code. */
export function refuseTunnel(client: Duplex, error: unknown): void {
  const { status, code, detail } = toProblem(error);
  const body = `${code}: ${detail}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `errand-error: ${code}`,
    'connection: close',
  ];
  hangUp(client, `${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Ends a tunnel that was granted, but did not begin with the handshake that it must: now only TLS can be answered. */
export function refuseHandshake(client: Duplex): void {
  hangUp(client, ACCESS_DENIED);
}

function hangUp(client: Duplex, last: string | Buffer): void {
  client.end(last, () => client.destroy());
}
