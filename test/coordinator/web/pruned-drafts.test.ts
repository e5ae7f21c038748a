import 'fake-indexeddb/auto';
import test from 'ava';
import { Database } from '../../../coordinator/web/store/database.ts';
import type { KeptFile } from '../../../coordinator/web/store/kept-file.ts';
import { filesOfDraft, mirrorStorage, pruneDrafts } from '../../../coordinator/web/store/storage.ts';
import { Texts } from '../../../coordinator/web/store/texts.ts';

const PLAIN = { name: 'f', bytes: 1, media_type: 'application/octet-stream', width: null, height: null };
const file = (id: string, draft?: string): KeptFile => ({
  id,
  ...PLAIN,
  blob: new Blob(['x']),
  ...(draft !== undefined && { draft }),
});

async function keep(database: Database, keys: readonly string[], files: readonly KeptFile[]): Promise<void> {
  const texts = new Texts(database);
  for (const key of keys) await texts.write(key, 'written');
  for (const each of files) await database.use((db) => db.put('files', each));
}

const kept = (database: Database) =>
  database.use(async (db) => [...(await db.getAllKeys('texts')), ...(await db.getAllKeys('files'))]);

test('what was written, attached and noted for an errand goes when it is deleted, not when its list loses it', async (t) => {
  const database = new Database('drafts of deleted errands');
  const storage = mirrorStorage(database);
  const keys = ['comments a', 'edit a m', 'say a', 'viewed a'];
  const files = [file('f1', 'say a'), file('f2', 'say b'), file('f3', 'new')];
  await keep(database, [...keys, 'new prompt', 'say b'], files);
  const all = await kept(database);
  await storage.save({ removed: ['a'], unlisted: ['b'] });
  t.deepEqual(await kept(database), all);
  await storage.save({ deleted: ['a'] });
  t.deepEqual(await kept(database), ['new prompt', 'say b', 'f2', 'f3']);
});

test('a file that is in the outbox stays though its errand is deleted, also if its draft has it still', async (t) => {
  const database = new Database('files of an entry');
  await keep(database, [], [file('waits', 'say a'), file('draft', 'say a')]);
  const body = { text: 'words', attachments: ['waits'] };
  const action = { do: 'say', task_id: 'a', body } as const;
  await database.use((db) => db.put('outbox', { key: 'k', at: '', action, tried: true }));
  await mirrorStorage(database).save({ deleted: ['a'] });
  t.deepEqual(await kept(database), ['waits']);
});

test('a file that is with neither a draft nor the outbox goes, one in the outbox stays, and what belongs to a decision that is over', async (t) => {
  const database = new Database('files without an entry');
  await keep(
    database,
    ['answer open', 'answer over', 'ticks over'],
    [file('draft', 'new'), file('over', 'answer over'), file('sent'), file('waits'), file('waits too', 'answer over')],
  );
  const body = { text: 'words', attachments: ['waits', 'waits too'] };
  const action = { do: 'say', task_id: 'a', body } as const;
  await database.use((db) => db.put('outbox', { key: 'k', at: '', action, tried: true }));
  await pruneDrafts(database, new Set(['open']));
  t.deepEqual(await kept(database), ['answer open', 'draft', 'waits', 'waits too']);
  const left = async (draft: string) => (await database.use((db) => filesOfDraft(db, draft))).map(({ id }) => id);
  t.deepEqual([await left('new'), await left('answer over')], [['draft'], []], 'what waits is with no draft');
});
