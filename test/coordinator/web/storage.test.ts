import 'fake-indexeddb/auto';
import test, { type ExecutionContext } from 'ava';
import type { Diff } from '../../../protocol/api.ts';
import type { Task } from '../../../protocol/task.ts';
import { Client } from '../../../coordinator/client/client.ts';
import type { Stored } from '../../../coordinator/client/session.ts';
import type { Action } from '../../../coordinator/client/sync/outbox-entry.ts';
import { Acts } from '../../../coordinator/web/store/acts.ts';
import { Database, LOGIN, SessionDatabase } from '../../../coordinator/web/store/database.ts';
import { Files } from '../../../coordinator/web/store/files.ts';
import { diffStorage, dropLogs, mirrorStorage, outboxStorage } from '../../../coordinator/web/store/storage.ts';
import { Texts } from '../../../coordinator/web/store/texts.ts';
import { hasWords } from '../../../coordinator/web/store/written.ts';
import { until } from '../../support/until.ts';
import { storedEvent as event } from '../../support/web/stored-event.ts';
import { MemoryDevice } from '../../support/web/memory-storage.ts';

const task = (id: string) => ({ id, title: id }) as Task;

const QUIET = { changed: () => undefined, task: () => Promise.resolve() };
/** More than it takes steps of the database. */
const LOOKS = 20;
const PLAIN = { media_type: 'application/octet-stream', width: null, height: null };

const DIFF = { diff: '+a', truncated: false } as Diff;
const full = () => new DOMException('', 'QuotaExceededError');

/** A database without room, while `is_full`. */
class FullDatabase extends Database {
  is_full = false;

  override use<T>(act: Parameters<typeof Database.prototype.use<T>>[0]): Promise<T> {
    return this.is_full ? Promise.reject(full()) : super.use(act);
  }
}

/** A client that sends nothing, until the test ends. */
function quietClient(t: ExecutionContext): Promise<Client> {
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const login = { server: 'http://127.0.0.1:9', user_id: 'u', email: 'a@example.org' };
  const device = new MemoryDevice({ ...login, access_token: '', refresh_token: '', expires_at_ms: 0 });
  return Client.open(device.session, { signal: stop.signal });
}

/** What the device has at one moment of an entry, and of its draft. */
function look(database: Database, key: string, draft: string) {
  return database.use(async (db) => {
    const now = db.transaction(['outbox', 'texts', 'files']);
    const [entry, text, file] = await Promise.all([
      now.objectStore('outbox').get(key),
      now.objectStore('texts').get(draft === 'new' ? 'new prompt' : draft),
      now.objectStore('files').get('f'),
    ]);
    return { waits: entry !== undefined, text, file: file?.draft };
  });
}

test('what is known is stored with its cursor, and the log of an errand comes back in order', async (t) => {
  const storage = mirrorStorage(new Database('known'));
  t.is(await storage.load(), undefined);
  await storage.save({ cursor: 6, epoch: 'e', older: 'n.a' });
  await storage.save({ cursor: 7, tasks: [task('a'), task('b')], events: [event(9, 'a'), event(2, 'a')] });
  await storage.save({ cursor: 10, events: [event(10, 'a'), event(3, 'b')], removed: ['b'] });
  t.like(await storage.load(), { cursor: 10, epoch: 'e', older: 'n.a', tasks: [{ id: 'a' }] });
  t.deepEqual(
    (await storage.loadEvents('a', 100)).map(({ id }) => id),
    [2, 9, 10],
  );
  t.deepEqual(
    (await storage.loadEvents('a', 2)).map(({ id }) => id),
    [9, 10],
  );
  t.deepEqual(
    (await storage.loadEvents('a', 5, 9)).map(({ id }) => id),
    [2],
    'those before an event',
  );
  await storage.save({ log_restarts: 'a', events: [event(20, 'a')] });
  t.is((await storage.loadEvents('a', 100)).length, 1, 'a log that restarts has nothing of before');
  await storage.save({ forget: true });
  t.is(await storage.load(), undefined);
  t.deepEqual(await storage.loadEvents('a', 100), []);
});

test('a database that the browser has closed is opened again', async (t) => {
  const database = new Database('closed');
  const texts = new Texts(database);
  await texts.write('draft', 'half a sentence');
  await database.use(async (db) => db.close());
  t.is(await texts.read('draft'), 'half a sentence');
  await texts.write('draft', '');
  t.is(await texts.read('draft'), undefined);
});

test('the outbox keeps its order', async (t) => {
  const storage = outboxStorage(new Database('outbox'));
  for (const key of ['01c', '01a', '01b'])
    await storage.put({ key, at: '', action: { do: 'stop', task_id: 't' }, tried: false });
  t.deepEqual(
    (await storage.load()).map(({ key }) => key),
    ['01a', '01b', '01c'],
  );
});

for (const [what, draft, act] of [
  ['an errand', 'new', (acts: Acts) => acts.send({ prompt: 'words', repo_url: 'errand://sample', attachments: ['f'] })],
  ['a message', 'say t', (acts: Acts) => acts.say('t', 'words', { attachments: ['f'] })],
  ['an answer', 'answer n', (acts: Acts) => acts.decide('t', 'n', { choose: [], text: 'words', attachments: ['f'] })],
] as const)
  test(`${what} that is taken back is in the outbox or in its draft at each moment, with its files`, async (t) => {
    const database = new Database(`taken back ${draft}`);
    const client = await quietClient(t);
    const texts = new Texts(database);
    const files = new Files(database, client);
    const acts = new Acts({ database, client, files, texts }, { ...QUIET, reachable: () => false });
    t.teardown(() => acts.stop());
    await texts.write(draft === 'new' ? 'new prompt' : draft, 'written since');
    await database.use((db) => db.put('files', { id: 'f', name: 'f', blob: new Blob(['x']), bytes: 1, ...PLAIN }));
    await act(acts);
    const [key = ''] = acts.entries.value.map((entry) => entry.key);
    const taking = acts.takeBack(key);
    for (let i = 0; i < LOOKS; i++) {
      const { waits, text, file } = await look(database, key, draft);
      t.true(waits || (text?.endsWith('words') === true && file === draft), `look ${i}`);
    }
    await taking;
    t.like(await look(database, key, draft), { waits: false, text: 'written since\nwords', file: draft });
  });

for (const [what, field, action] of [
  [
    'an errand',
    'new prompt',
    { do: 'send', body: { prompt: 'words', repo_url: 'errand://sample', attachments: ['f'] } },
  ],
  ['a message', 'say t', { do: 'say', task_id: 't', body: { text: 'words', attachments: ['f'] } }],
  [
    'an answer',
    'answer n',
    { do: 'answer', task_id: 't', need_id: 'n', body: { choose: [], text: 'words', attachments: ['f'] } },
  ],
  ['a changed message', 'say t', { do: 'reword', task_id: 't', message_id: 'm', body: { revision: 1, text: 'words' } }],
] satisfies [string, string, Action][])
  test(`${what} that the server refused goes back to its draft, with its words and files`, async (t) => {
    const database = new Database(`refused ${what}`);
    const client = await quietClient(t);
    const texts = new Texts(database);
    const files = new Files(database, client);
    const acts = new Acts({ database, client, files, texts }, { ...QUIET, reachable: () => false });
    t.teardown(() => acts.stop());
    await texts.write(field, 'written since');
    const refused = { code: 'invalid', detail: 'no' } as const;
    await database.use(async (db) => {
      await db.put('outbox', { key: 'k', at: '', action, tried: true, refused });
      await db.put('files', { id: 'f', name: 'f', blob: new Blob(['x']), bytes: 1, ...PLAIN });
    });
    await acts.outbox.load();
    t.true(hasWords(action));
    await acts.takeBack('k');
    const draft = field === 'new prompt' ? 'new' : field;
    const { file, ...rest } = await look(database, 'k', draft);
    t.deepEqual(rest, { waits: false, text: 'written since\nwords' });
    t.is(file, action.do === 'reword' ? undefined : draft);
  });

test('a field that is saved at any moment while words are given back to it keeps both', async (t) => {
  const database = new Database('saved while taken back');
  const texts = new Texts(database);
  const client = await quietClient(t);
  const acts = new Acts(
    { database, client, files: new Files(database, client), texts },
    { ...QUIET, reachable: () => false },
  );
  t.teardown(() => acts.stop());
  for (let steps = 0; steps < 2 * LOOKS; steps++) {
    const draft = `say t${steps}`;
    await acts.say(`t${steps}`, 'words');
    const [key = ''] = acts.entries.value.map((entry) => entry.key);
    let field = 'half';
    const unfollow = texts.follow({ key: draft, onGive: (next) => (field = next(field)), onWrite: () => undefined });
    const taking = acts.takeBack(key);
    for (let i = 0; i < steps; i++) await new Promise(setImmediate);
    const saving = texts.write(draft, field);
    // The screen is left, and comes back at once.
    unfollow();
    const read = texts.read(draft);
    await Promise.all([taking, saving]);
    t.is(await texts.read(draft), 'half\nwords', `after ${steps} steps`);
    t.true((await read)?.startsWith('half'), `after ${steps} steps`);
  }
});

test('what is given to a text in one window, or by the share sheet, shows in the fields of the others', async (t) => {
  const database = new Database('two windows');
  const windows = [new Texts(database), new Texts(new Database('two windows'))] as const;
  const [first, second] = windows;
  let heard = 0;
  second.start(() => heard++);
  first.start();
  t.teardown(() => windows.forEach((each) => each.stop()));
  const field = { text: 'being written', kept: '' };
  second.follow({
    key: 'say t',
    onGive: (next, kept) => Object.assign(field, { text: next(field.text), kept }),
    onWrite: () => undefined,
  });
  await first.write('say t', 'stored');
  for (const [give, text, kept] of [
    [{ add: 'given back' }, 'being written\ngiven back', 'stored\ngiven back'],
    [{ without: 'being written\n' }, 'given back', 'stored\ngiven back'],
    [{ add: '' }, 'given back', 'stored\ngiven back'],
    [{ set: 'chosen' }, 'chosen', 'chosen'],
  ] as const) {
    const before = heard;
    await first.give('say t', give);
    await until('the other window has heard', () => heard > before);
    t.deepEqual(field, { text, kept });
  }
  second.stop();
  await first.give('say t', { set: 'later' });
  t.is(field.text, 'chosen');
});

test('on a full device the logs and diffs of errands that are not open make room, and then what is new is stored', async (t) => {
  const database = new Database('full');
  const [storage, diffs] = [mirrorStorage(database), diffStorage(database)];
  await storage.save({ cursor: 1, epoch: 'e', events: [event(1, 'open'), event(2, 'other'), event(3, 'third')] });
  for (const id of ['open', 'other', 'seen']) await diffs.write(id, DIFF, 'a');
  database.makeRoom = (db) => dropLogs(db, new Set(['open']));
  let tries = 0;
  await database.use(async (db) => {
    if (++tries === 1) throw full();
    await db.put('texts', 'written', 'draft');
  });
  t.is(await new Texts(database).read('draft'), 'written');
  const logs = await Promise.all(['open', 'other', 'third'].map((id) => storage.loadEvents(id, 10)));
  t.deepEqual(
    logs.map(({ length }) => length),
    [1, 0, 0],
  );
  const kept = await Promise.all(['open', 'other', 'seen'].map((id) => diffs.read(id, 'a')));
  t.deepEqual(kept, [DIFF, undefined, undefined]);
});

test('what a full device knows stays as it was at its cursor: nothing is stored behind a gap', async (t) => {
  const database = new FullDatabase('full up to a cursor');
  let told = 0;
  const storage = mirrorStorage(database, () => told++);
  await storage.save({ cursor: 1, epoch: 'e', tasks: [task('a')], events: [event(1, 'a')] });
  database.is_full = true;
  await storage.save({ cursor: 2, tasks: [task('b')], events: [event(2, 'a')] });
  database.is_full = false;
  await storage.save({ cursor: 3, tasks: [task('c')], events: [event(3, 'a')] });
  t.is(told, 1);
  t.like(await storage.load(), { cursor: 1, tasks: [{ id: 'a' }] });
  t.is((await storage.loadEvents('a', 10)).length, 1);
});

test('what a session stores counts until it ends; from then on it does nothing, finds nothing and holds up nothing', async (t) => {
  const database = new Database('a session that ends');
  const session = new SessionDatabase(database);
  const [texts, outbox] = [new Texts(session), outboxStorage(session)];
  const mirror = mirrorStorage(session);
  const entry = { key: 'k', at: '', action: { do: 'stop', task_id: 't' }, tried: false } as const;
  await outbox.put(entry);
  const begun = texts.write('new prompt', 'begun');
  await session.end();
  t.is(await database.use((db) => db.get('texts', 'new prompt')), 'begun', 'what was begun is done');
  await begun;
  await database.clear();
  await texts.write('new prompt', 'late');
  await texts.give('new prompt', { add: 'late' });
  await outbox.put(entry);
  await mirror.save({ cursor: 1, epoch: 'e', tasks: [task('late')] });
  await outbox.locked(async () => void t.is(await outbox.change('k', (stored) => stored), null));
  t.deepEqual(
    await Promise.all([texts.read('new prompt'), outbox.load(), mirror.load(), mirror.loadEvents('late', 1)]),
    [undefined, [], undefined, []],
  );
  const tables = ['texts', 'outbox', 'known', 'tasks'] as const;
  for (const table of tables) t.is(await database.use((db) => db.count(table)), 0, table);
});

test('everything is removed with a log-in in whose place another person logs in, and not where somebody is logged in', async (t) => {
  const database = new Database('log-ins');
  const login = (user_id: string) => ({ user_id }) as Stored;
  const kept = () => database.use((db) => Promise.all([db.get('login', LOGIN), db.count('texts')]));
  t.is(await database.replaceLogin(login('ann')), undefined);
  await database.use((db) => db.put('texts', 'of Ann', 'new prompt'));
  t.deepEqual(await database.replaceLogin(login('ann')), login('ann'));
  await database.clearUnlessLoggedIn();
  t.deepEqual(await kept(), [login('ann'), 1]);
  t.deepEqual(await database.replaceLogin(login('bob')), login('ann'));
  t.deepEqual(await kept(), [login('bob'), 0]);
  await database.clear();
  await database.use((db) => db.put('texts', 'late', 'new prompt'));
  await database.clearUnlessLoggedIn();
  t.deepEqual(await kept(), [undefined, 0]);
});
