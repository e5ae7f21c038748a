import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ErrandError } from '../../protocol/problem.ts';
import { ConfigError } from './config.ts';
import { FIRST_KEY_ID, KeyRing } from './key-ring.ts';

/** The server's own keys, 32 random bytes each. One key per purpose: a token of one kind never passes as another. */
export type Keys = {
  /** Sign users' access tokens. */
  access: KeyRing;
  /** Sign workers' task tokens. */
  task: KeyRing;
  /** Encrypts the secrets in the database. */
  seal: Uint8Array;
};

/** A retired pair is kept for longer than any token lives that it has signed. */
const KEPT_MS = 25 * 3600_000;
const RETIRED_MAX = 50;

const KeyText = z.base64url();
/**
 * `access` and `task` have the id `id`; `retired` has the pairs before them. `fingerprint`: that of the keys before the
 * first rotation. An older server ignores what it does not know.
 */
const StoredKeys = z.object({
  access: KeyText,
  task: KeyText,
  seal: KeyText,
  id: z.string().default(FIRST_KEY_ID),
  retired: z
    .array(z.object({ id: z.string(), access: KeyText, task: KeyText, retired_at: z.iso.datetime() }))
    .default([]),
  fingerprint: z.string().optional(),
});

/**
 * Reads `keys.json` from the data folder; creates it, with mode 0600, if it is missing. A server that finds
 * it missing ends all log-ins, and cannot read encrypted secrets. Throws a `ConfigError` if the file is not valid.
 */
export function readKeys(data_dir: string): Keys {
  const path = join(data_dir, 'keys.json');
  if (!existsSync(path)) prepare(path, { access: fresh(), task: fresh(), seal: fresh() })();
  const { retired, seal, ...newest } = readStored(path);
  const ringOf = (purpose: 'access' | 'task') =>
    new KeyRing(
      { id: newest.id, key: bytesOf(newest[purpose]) },
      retired.map(({ id, retired_at, ...pair }) => ({ id, retired_at, key: bytesOf(pair[purpose]) })),
    );
  return { access: ringOf('access'), task: ringOf('task'), seal: bytesOf(seal) };
}

/** The error is without its cause, which may quote a key. */
function readStored(path: string): z.output<typeof StoredKeys> {
  const text = readFileSync(path, 'utf8');
  try {
    return StoredKeys.parse(JSON.parse(text));
  } catch {
    throw new ConfigError(
      `The file ${path} is not a valid keys file. Restore it from a backup of the data folder. If you have none, remove it: ` +
        'all log-ins, API tokens and invitations then end, and the secrets of all projects must be set again.',
    );
  }
}

/** `record` stores that the keys are rotated. If it throws, they are not. */
type Rotation = { id: string; now: Date; record: () => void };

/**
 * Makes new keys to sign with, in `keys.json` and in `keys`. The pair before them verifies what it has signed until
 * that expires. Throws `conflict` if it was done too often in a day.
 */
export function rotateKeys(data_dir: string, keys: Keys, { id, now, record }: Rotation): void {
  const path = join(data_dir, 'keys.json');
  const before = readStored(path);
  const kept = before.retired.filter(({ retired_at }) => now.getTime() - Date.parse(retired_at) < KEPT_MS);
  if (kept.length >= RETIRED_MAX)
    throw new ErrandError('conflict', `The keys were rotated ${RETIRED_MAX} times within a day: wait until tomorrow.`);
  const { id: before_id, access, task, seal } = before;
  const retired = [{ id: before_id, access, task, retired_at: now.toISOString() }, ...kept];
  const fingerprint = fingerprintOfKeys(data_dir) ?? undefined;
  const replace = prepare(path, { access: fresh(), task: fresh(), seal, id, retired, fingerprint });
  // What may fail on a full disk comes first: to rename the file needs no space.
  record();
  replace();
  const rotated = readKeys(data_dir);
  keys.access.replaceBy(rotated.access);
  keys.task.replaceBy(rotated.task);
}

const fresh = (): string => randomBytes(32).toString('base64url');
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'));

/** Writes a new file, and returns what renames it: a full disk must not leave half a file. */
function prepare(path: string, content: z.input<typeof StoredKeys>): () => void {
  writeFileSync(`${path}.new`, `${JSON.stringify(content)}\n`, { mode: 0o600, flush: true });
  return () => renameSync(`${path}.new`, path);
}

/**
 * A fingerprint of the data folder's keys that reveals nothing about them. A rotation does not change it. Null: there
 * are no readable keys.
 */
export function fingerprintOfKeys(data_dir: string): string | null {
  try {
    const stored = readStored(join(data_dir, 'keys.json'));
    if (stored.fingerprint !== undefined) return stored.fingerprint;
    const hash = createHash('sha256').update('errand keys');
    for (const key of [stored.access, stored.task, stored.seal]) hash.update(bytesOf(key));
    return hash.digest('hex').slice(0, 16);
  } catch {
    return null;
  }
}
