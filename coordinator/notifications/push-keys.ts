import { generateKeyPairSync } from 'node:crypto';
import { importJWK, SignJWT, type CryptoKey, type KeyObject } from 'jose';
import { z } from 'zod';
import type { Keys } from '../base/keys.ts';
import type { Logger } from '../base/logger.ts';
import { seal, unseal } from '../base/seal.ts';
import { deleteAllDevices } from '../sqlite/channels.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { findPushKeys, putPushKeys } from '../sqlite/meta.ts';

const CONTEXT = 'push keys';
const Jwk = z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string(), d: z.string() });
type Jwk = z.infer<typeof Jwk>;

/** Push services take a token that is valid for a day at most. */
const TOKEN_S = 12 * 3600;

/** The key pair by which push services know this server (VAPID, RFC 8292). */
export class PushKeys {
  /** Uncompressed, base64url: the `applicationServerKey` of subscriptions. */
  readonly public_key: string;
  readonly #jwk: Jwk;
  readonly #contact: () => string;
  #key: CryptoKey | KeyObject | Uint8Array | undefined;

  /** `contact`: a `mailto:` or https address that a push service can complain to. */
  constructor(jwk: Jwk, contact: () => string) {
    this.#jwk = jwk;
    this.#contact = contact;
    const point = [Buffer.from([4]), Buffer.from(jwk.x, 'base64url'), Buffer.from(jwk.y, 'base64url')];
    this.public_key = Buffer.concat(point).toString('base64url');
  }

  /** The `Authorization` header for a push service. */
  async authorization(endpoint: URL): Promise<string> {
    this.#key ??= await importJWK(this.#jwk, 'ES256');
    const token = await new SignJWT({ aud: endpoint.origin, sub: this.#contact() })
      .setProtectedHeader({ typ: 'JWT', alg: 'ES256' })
      .setExpirationTime(`${TOKEN_S} seconds`)
      .sign(this.#key);
    return `vapid t=${token}, k=${this.public_key}`;
  }
}

/**
 * Reads the key pair from the database; makes it at the first start. Where it was sealed with another `keys.json`, it
 * makes a new one and forgets the devices: they subscribe again when their app is opened.
 */
export function readPushKeys(log: EventLog, keys: Keys, contact: () => string, logger: Logger): PushKeys {
  const sealed = findPushKeys(log.db);
  if (sealed !== undefined)
    try {
      return new PushKeys(Jwk.parse(JSON.parse(unseal(keys, sealed, CONTEXT))), contact);
    } catch (error) {
      logger.warn({ err: error }, 'push keys cannot be opened; devices must subscribe again');
    }
  const jwk = Jwk.parse(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }));
  log.write(({ db }) => {
    deleteAllDevices(db);
    putPushKeys(db, seal(keys, JSON.stringify(jwk), CONTEXT));
  });
  return new PushKeys(jwk, contact);
}
