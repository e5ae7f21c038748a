import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from './config.ts';

/** The server's own keys, 32 random bytes each. One key per purpose: a token of one kind never passes as another. */
export type Keys = {
  /** Signs users' access tokens. */
  access: Uint8Array;
  /** Signs workers' task tokens. */
  task: Uint8Array;
  /** Encrypts the secrets in the database. */
  seal: Uint8Array;
};

const Key = z.base64url().transform((text) => new Uint8Array(Buffer.from(text, 'base64url')));
const KeysFile = z.object({ access: Key, task: Key, seal: Key });

/**
 * Reads `keys.json` from the data folder; creates it, with mode 0600, if it is missing. Losing it ends all sessions
 * and makes encrypted secrets unreadable. Throws a `ConfigError` if the file is not valid.
 */
export function readKeys(data_dir: string): Keys {
  const path = join(data_dir, 'keys.json');
  if (!existsSync(path)) makeKeys(path);
  const text = readFileSync(path, 'utf8');
  try {
    return KeysFile.parse(JSON.parse(text));
  } catch (error) {
    throw new ConfigError(
      `The file ${path} is not a valid keys file. Restore it from a backup of the data folder. If you have none, remove it: ` +
        'all users are then logged out, and the secrets of all projects must be set again.',
      { cause: error },
    );
  }
}

/** Writes a new file and renames it: a full disk must not leave half a file. */
function makeKeys(path: string): void {
  const fresh = () => randomBytes(32).toString('base64url');
  const text = `${JSON.stringify({ access: fresh(), task: fresh(), seal: fresh() })}\n`;
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

/** A fingerprint of the data folder's keys that reveals nothing about them. Null: there are no readable keys. */
export function fingerprintOfKeys(data_dir: string): string | null {
  try {
    const { access, task, seal } = KeysFile.parse(JSON.parse(readFileSync(join(data_dir, 'keys.json'), 'utf8')));
    const hash = createHash('sha256').update('errand keys');
    return hash.update(access).update(task).update(seal).digest('hex').slice(0, 16);
  } catch {
    return null;
  }
}

/** Encrypts a text with AES-256-GCM. `context` (what the secret belongs to) must be the same to decrypt it. */
export function seal(keys: Keys, text: string, context: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keys.seal, nonce).setAAD(Buffer.from(context));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
}

/** Decrypts the output of `seal`. Throws if the key or the context differs, or the text was changed. */
export function unseal(keys: Keys, sealed: string, context: string): string {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', keys.seal, bytes.subarray(0, 12))
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
}
