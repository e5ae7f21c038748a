/** Encrypted Content-Encoding for HTTP (RFC 8188), as Web Push uses it (RFC 8291). */
declare module 'http_ece' {
  import type { ECDH } from 'node:crypto';

  /** Encrypts one message: the result is the whole body of a request. */
  export function encrypt(
    plain: Buffer,
    options: {
      version: 'aes128gcm';
      /** The sender's key pair, for this one message. */
      privateKey: ECDH;
      /** The receiver's public key, base64url. */
      dh: string;
      authSecret: string;
    },
  ): Buffer;
}
