import { Database, databaseName } from '../store/database.ts';
import { keepFile, type FileFault } from '../store/keep-file.ts';
import { writeLeftOut } from '../store/left-out.ts';

/**
 * The address that the share sheet posts to, below the app's. The service worker answers it; the server never sees
 * it.
 */
export const SHARE_PATH = 'share';

/**
 * Keeps what was shared as the draft of a new errand, and opens that, with what was not taken. `base`: the path of the
 * app, such as `/errand/`.
 */
export async function takeShared(request: Request, base: string): Promise<Response> {
  const database = new Database(databaseName(base.replace(/\/$/, '')));
  const faults: FileFault[] = [];
  try {
    const form = await request.formData();
    for (const given of form.getAll('files')) {
      // A share sheet without files sends one without a name.
      if (typeof given === 'string' || (given.size === 0 && given.name === '')) continue;
      const taken = await keepFile(database, given, 'new');
      if (typeof taken === 'string') faults.push(taken);
    }
    const texts = ['title', 'text', 'url'].map((name) => form.get(name));
    const said = texts.filter((text): text is string => typeof text === 'string' && text.trim() !== '');
    await append(database, 'new prompt', [...new Set(said)].join('\n')).catch(() => faults.push('no_room'));
  } catch {
    faults.push('unreadable');
  } finally {
    database.close();
  }
  return Response.redirect(new URL(`${base}new${writeLeftOut(faults)}`, request.url), 303);
}

/** Adds to a draft that is there already. */
async function append(database: Database, key: string, text: string): Promise<void> {
  if (text === '') return;
  const before = await database.use((db) => db.get('texts', key));
  await database.use((db) => db.put('texts', before ? `${before}\n${text}` : text, key));
}
