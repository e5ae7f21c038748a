import { cleanName, sniff, SNIFF_BYTES } from '../../../protocol/file-kind.ts';
import { newId } from '../../../protocol/new-id.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { Database, databaseName } from '../store/database.ts';

/** The address that the share sheet posts to, below the app's. The service worker answers it; the server never sees it. */
export const SHARE_PATH = 'share';

/** Keeps what was shared as the draft of a new errand, and opens that. `base`: the path of the app, such as `/errand/`. */
export async function takeShared(request: Request, base: string): Promise<Response> {
  const database = new Database(databaseName(base.replace(/\/$/, '')));
  try {
    const form = await request.formData();
    let taken = 0;
    for (const given of form.getAll('files')) {
      if (typeof given === 'string' || given.size === 0 || given.size > LIMITS.attachment_bytes_max) continue;
      if (taken >= LIMITS.attachments_per_message_max) break;
      const blob = new Blob([await given.arrayBuffer()], { type: given.type });
      const head = new Uint8Array(await blob.slice(0, SNIFF_BYTES).arrayBuffer());
      const file = { id: newId(), name: cleanName(given.name), bytes: blob.size, ...sniff(head), blob, draft: 'new' };
      await database.use((db) => db.put('files', file));
      taken++;
    }
    const texts = ['title', 'text', 'url'].map((name) => form.get(name));
    const said = texts.filter((text): text is string => typeof text === 'string' && text.trim() !== '');
    await append(database, 'new prompt', [...new Set(said)].join('\n'));
  } catch {
    // Without room on the device the errand begins empty.
  } finally {
    database.close();
  }
  return Response.redirect(`${base}new`, 303);
}

/** Adds to a draft that is there already. */
async function append(database: Database, key: string, text: string): Promise<void> {
  if (text === '') return;
  const before = await database.use((db) => db.get('texts', key));
  await database.use((db) => db.put('texts', before ? `${before}\n${text}` : text, key));
}
