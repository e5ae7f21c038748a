import { Database, databaseName } from '../store/database.ts';
import { keepFile } from '../store/keep-file.ts';
import type { FileFault } from '../store/kept-file.ts';
import { writeShared } from '../store/left-out.ts';
import { Texts } from '../store/texts.ts';
import { withoutGaps } from '../store/without-gaps.ts';

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
  const texts = new Texts(database);
  texts.start();
  const faults: FileFault[] = [];
  try {
    const form = await request.formData();
    for (const file of form.getAll('files')) {
      // A share sheet without files sends one without a name.
      if (typeof file === 'string' || (file.size === 0 && file.name === '')) continue;
      const taken = await keepFile(database, file, 'new');
      if (typeof taken === 'string') faults.push(taken);
    }
    const given = ['title', 'text', 'url'].map((name) => form.get(name));
    const said = given.filter((text): text is string => typeof text === 'string' && text.trim() !== '');
    // Without a text too: an open window hears of the files.
    await texts
      .give('new prompt', { add: withoutGaps([...new Set(said)].join('\n')) })
      .catch(() => faults.push('no_room'));
  } catch {
    faults.push('unreadable');
  } finally {
    texts.stop();
    database.close();
  }
  return Response.redirect(new URL(`${base}new${writeShared(faults)}`, request.url), 303);
}
