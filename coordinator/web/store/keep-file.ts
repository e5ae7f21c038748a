import { cleanName, sniff, SNIFF_BYTES } from '../../../protocol/file-kind.ts';
import { newId } from '../../../protocol/new-id.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { Kept } from './database.ts';
import type { FileFault, KeptFile } from './kept-file.ts';

/** What all files that wait on this device may have together. */
export const DEVICE_BYTES_MAX = 200 * 1024 * 1024;

/** Keeps a file on this device, with a draft. Resolves with it, or with why it was not taken. */
export async function keepFile(database: Kept, file: File, draft: string): Promise<KeptFile | FileFault> {
  if (file.size === 0) return 'unreadable';
  if (file.size > LIMITS.attachment_bytes_max) return 'too_large';
  try {
    const all = (await database.use((db) => db.getAll('files'))) ?? [];
    if (all.filter((each) => each.draft === draft).length >= LIMITS.attachments_per_message_max) return 'too_many';
    if (all.reduce((sum, { bytes }) => sum + bytes, file.size) > DEVICE_BYTES_MAX) return 'no_room';
    // Read now: a phone takes back a file that was picked once the app was away.
    const blob = new Blob([await file.arrayBuffer()], { type: file.type });
    const head = new Uint8Array(await blob.slice(0, SNIFF_BYTES).arrayBuffer());
    const kept: KeptFile = { id: newId(), name: cleanName(file.name), bytes: blob.size, ...sniff(head), blob, draft };
    await database.use((db) => db.put('files', kept));
    return kept;
  } catch (error) {
    if (error instanceof DOMException) return error.name === 'QuotaExceededError' ? 'no_room' : 'unreadable';
    throw error;
  }
}
