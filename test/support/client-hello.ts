// Builds TLS ClientHello messages byte by byte, including ones that no client sends.

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
export const vector16 = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes]);
export const extension = (type: number, body: Buffer): Buffer => Buffer.concat([u16(type), vector16(body)]);
export const hostName = (name: string): Buffer => Buffer.concat([Buffer.of(0), vector16(Buffer.from(name))]);
export const serverName = (...names: string[]): Buffer => extension(0, vector16(Buffer.concat(names.map(hostName))));

/** A minimal ClientHello handshake message with these extensions. */
export function message(...extensions: Buffer[]): Buffer {
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32),
    Buffer.of(0),
    vector16(Buffer.from([0x13, 0x01])),
    Buffer.from([1, 0]),
    vector16(Buffer.concat(extensions)),
  ]);
  return Buffer.concat([Buffer.of(1, 0), u16(body.length), body]);
}

export const record = (payload: Buffer): Buffer => Buffer.concat([Buffer.from([22, 3, 1]), vector16(payload)]);
