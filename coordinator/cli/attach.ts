import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Client } from '../client/client.ts';
import { upload } from '../client/upload.ts';
import { UsageFailure } from './usage-failure.ts';

export const ATTACH_OPTION = {
  type: 'string',
  multiple: true,
  placeholder: 'FILE',
  help: 'a picture or another file to send with it; may be repeated',
} as const;

/**
 * Uploads files. Resolves with the ids to send; undefined if there are none: the same for the same files with the same
 * `key`, the Idempotency-Key that they are sent with. Rejects before the first upload if one cannot be read.
 */
export async function attachFiles(
  client: Client,
  paths: readonly string[] = [],
  key = newId(),
): Promise<string[] | undefined> {
  if (paths.length === 0) return undefined;
  if (paths.length > LIMITS.attachments_per_message_max)
    throw new UsageFailure(`--attach takes at most ${LIMITS.attachments_per_message_max} files at once.`);
  for (const path of paths) await requireFile(path);
  const ids: string[] = [];
  for (const [place, path] of paths.entries()) {
    const [name, bytes] = [basename(path), await readFile(path)];
    // The server orders them by their ids.
    const hash = createHash('sha256').update(`${key}\n${name}\n`).update(bytes).digest('hex');
    const { id } = await upload(client, { id: `${place}${hash}`.slice(0, 20), name, blob: new Blob([bytes]) });
    ids.push(id);
  }
  return ids;
}

async function requireFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) throw new UsageFailure(`There is no file ${path}.`);
  if (found.size > LIMITS.attachment_bytes_max)
    throw new UsageFailure(`${path} has more than ${LIMITS.attachment_bytes_max / 1024 / 1024} MB.`);
}
