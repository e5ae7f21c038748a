import { createDecipheriv, createHmac, createPublicKey, verify, type ECDH } from 'node:crypto';
import { z } from 'zod';

/*
 * The receiving side of Web Push by the letter of RFC 8291, RFC 8188 and RFC 8292, on nothing but node:crypto, so that
 * it shares no code with the sender.
 */

const hmac = (key: Buffer, ...data: (Buffer | string)[]): Buffer => {
  const hash = createHmac('sha256', key);
  for (const piece of data) hash.update(piece);
  return hash.digest();
};
const Claims = z.object({ aud: z.string(), sub: z.string(), exp: z.number() });
const ONE = Buffer.from([1]);

/** Decrypts the body of a push message with the keys of its subscription. Throws if it was not made for them. */
export function decryptPush(body: Buffer, keys: ECDH, auth: Buffer): string {
  const salt = body.subarray(0, 16);
  const record_size = body.readUInt32BE(16);
  const id_bytes = body.readUInt8(20);
  const sender = body.subarray(21, 21 + id_bytes);
  const record = body.subarray(21 + id_bytes);
  if (id_bytes !== 65) throw new Error('The key id is not the public key of the sender.');
  if (record.length > record_size) throw new Error('A push message has one record.');
  const shared = keys.computeSecret(sender);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), keys.getPublicKey(), sender]);
  const input_key = hmac(hmac(auth, shared), info, ONE);
  const pseudo_random = hmac(salt, input_key);
  const key = hmac(pseudo_random, 'Content-Encoding: aes128gcm\0', ONE).subarray(0, 16);
  const nonce = hmac(pseudo_random, 'Content-Encoding: nonce\0', ONE).subarray(0, 12);
  const decipher = createDecipheriv('aes-128-gcm', key, nonce).setAuthTag(record.subarray(-16));
  const padded = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
  const end = padded.findLastIndex((byte) => byte !== 0);
  if (padded[end] !== 2) throw new Error('The record is not the last one.');
  return padded.subarray(0, end).toString('utf8');
}

/** What the `Authorization` header of a push message says. Throws if its signature is not valid. */
export function readVapid(header: string): { aud: string; sub: string; exp: number; public_key: string } {
  const [, token = '', public_key = ''] = /^vapid t=([^,]+), k=([\w-]+)$/.exec(header) ?? [];
  const [head = '', claims = '', signature = ''] = token.split('.');
  const point = Buffer.from(public_key, 'base64url');
  const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')];
  const key = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  const signed = Buffer.from(`${head}.${claims}`);
  const bytes = Buffer.from(signature, 'base64url');
  if (!verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, bytes)) throw new Error('The signature is wrong.');
  const { aud, sub, exp } = Claims.parse(JSON.parse(Buffer.from(claims, 'base64url').toString()));
  return { aud, sub, exp, public_key };
}
