import { ErrandError } from '../../../protocol/problem.ts';

/**
 * What the first message of a TLS connection says about its destination. `encrypted`: it hides the real host name
 * (ECH).
 */
export type ClientHello = { server_name: string | undefined; encrypted: boolean };

/** The longest TLS record with its header. A typical ClientHello takes a tenth of that. */
export const HELLO_BYTES_MAX = 16_384 + 5;

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const ENCRYPTED_CLIENT_HELLO = 0xfe0d;
const ENCRYPTED_SERVER_NAME = 0xffce;

/**
 * Reads a ClientHello (RFC 8446, 4.1.2) from the first bytes of a connection. Undefined: more bytes are needed. Throws
 * `invalid` where the bytes are not a ClientHello, and where parsers could disagree about its meaning.
 */
export function readClientHello(bytes: Buffer): ClientHello | undefined {
  try {
    const message = handshakeMessage(bytes);
    if (message) return readHello(new Cursor(message));
    if (bytes.length < HELLO_BYTES_MAX) return undefined;
  } catch (cause) {
    if (!(cause instanceof Malformed)) throw cause;
    throw new ErrandError('invalid', 'The connection does not begin with a TLS handshake.', { cause });
  }
  throw new ErrandError('invalid', 'The connection begins with a TLS message that is too long.');
}

class Malformed extends Error {}

/** The first handshake message, assembled from its records. Undefined: more bytes are needed. */
function handshakeMessage(bytes: Buffer): Buffer | undefined {
  let message = Buffer.alloc(0);
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== HANDSHAKE_RECORD) throw new Malformed('not a handshake record');
    if (bytes.length < at + 5) return undefined;
    const length = bytes.readUInt16BE(at + 3);
    if (bytes[at + 1] !== 3 || length === 0 || length > 16_384) throw new Malformed('not a TLS record');
    if (bytes.length < at + 5 + length) return undefined;
    message = Buffer.concat([message, bytes.subarray(at + 5, at + 5 + length)]);
    at += 5 + length;
    if (message[0] !== CLIENT_HELLO) throw new Malformed('not a ClientHello');
    if (message.length < 4) continue;
    const end = 4 + message.readUIntBE(1, 3);
    if (message.length > end) throw new Malformed('more than a ClientHello');
    if (message.length === end) return message.subarray(4);
  }
  return undefined;
}

function readHello(hello: Cursor): ClientHello {
  hello.take(2 + 32); // version and random bytes
  hello.vector(1); // session id
  hello.vector(2); // cipher suites
  hello.vector(1); // compression methods
  const found = new Map<number, Cursor>();
  if (!hello.atEnd) {
    const extensions = hello.vector(2);
    while (!extensions.atEnd) {
      const type = extensions.number(2);
      if (found.has(type)) throw new Malformed('a duplicate extension');
      found.set(type, extensions.vector(2));
    }
  }
  if (!hello.atEnd) throw new Malformed('bytes after the extensions');
  const name = found.get(SERVER_NAME);
  return {
    server_name: name && readServerName(name),
    encrypted: found.has(ENCRYPTED_CLIENT_HELLO) || found.has(ENCRYPTED_SERVER_NAME),
  };
}

/** The extension is a list that may hold only one host name (RFC 6066, 3). */
function readServerName(extension: Cursor): string {
  const list = extension.vector(2);
  if (list.number(1) !== HOST_NAME) throw new Malformed('not a host name');
  const name = list.vector(2);
  if (!list.atEnd || !extension.atEnd) throw new Malformed('more than one name');
  return name.take(name.left).toString('latin1').toLowerCase();
}

/** Reads numbers and vectors from bytes. Throws `Malformed` rather than read past the end. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  get atEnd(): boolean {
    return this.left === 0;
  }

  take(count: number): Buffer {
    if (count > this.left) throw new Malformed('a length beyond the end');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  number(bytes: 1 | 2): number {
    return this.take(bytes).readUIntBE(0, bytes);
  }

  /** Reads a vector: a length field of `length_bytes` bytes, then as many bytes as it says. */
  vector(length_bytes: 1 | 2): Cursor {
    return new Cursor(this.take(this.number(length_bytes)));
  }
}
