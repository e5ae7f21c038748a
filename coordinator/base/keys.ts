import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from './config.ts';

/** The server's own keys, 32 random bytes each; a key for each purpose, so that no token serves for another. */
export type Keys = {
  /** Signs people's access tokens. */
  access: Uint8Array;
  /** Signs workers' task tokens. */
  task: Uint8Array;
  /** Seals what the database keeps secret. */
  seal: Uint8Array;
};

const Key = z.base64url().transform((text) => new Uint8Array(Buffer.from(text, 'base64url')));
const KeysFile = z.object({ access: Key, task: Key, seal: Key });

/**
 * Reads `keys.json` of the data folder, or makes it (readable by its owner alone). Losing it ends all log-ins and loses sealed secrets. Throws a
 * `ConfigError` where it does not hold the keys.
 */
export function readKeys(data_dir: string): Keys {
  const path = join(data_dir, 'keys.json');
  if (!existsSync(path)) makeKeys(path);
  const text = readFileSync(path, 'utf8');
  try {
    return KeysFile.parse(JSON.parse(text));
  } catch (error) {
    throw new ConfigError(
      `The file ${path} does not hold the server's keys. Put it back from a backup of the data folder. Without it, it can be removed: that ends ` +
        'all log-ins, and the secrets of the projects must be set anew.',
      { cause: error },
    );
  }
}

/** Whole or not at all: a full disk must not leave half of it. */
function makeKeys(path: string): void {
  const fresh = () => randomBytes(32).toString('base64url');
  const text = `${JSON.stringify({ access: fresh(), task: fresh(), seal: fresh() })}\n`;
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

/** Names the keys of a data folder without telling anything of them, and without making any. Null: it has none that can be read. */
export function fingerprintOfKeys(data_dir: string): string | null {
  try {
    const { access, task, seal } = KeysFile.parse(JSON.parse(readFileSync(join(data_dir, 'keys.json'), 'utf8')));
    const hash = createHash('sha256').update('errand keys');
    return hash.update(access).update(task).update(seal).digest('hex').slice(0, 16);
  } catch {
    return null;
  }
}

/** Seals a text with AES-256-GCM; `context` (what the secret belongs to) must be the same to open it. */
export function seal(keys: Keys, text: string, context: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keys.seal, nonce).setAAD(Buffer.from(context));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
}

/** Opens what `seal` made. Throws where the key, the context or the text is another. */
export function unseal(keys: Keys, sealed: string, context: string): string {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', keys.seal, bytes.subarray(0, 12))
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
}
