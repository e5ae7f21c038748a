import 'fake-indexeddb/auto';
import test from 'ava';
import { LIMITS } from '../../../protocol/limits.ts';
import { Database, databaseName } from '../../../coordinator/web/store/database.ts';
import { DEVICE_BYTES_MAX } from '../../../coordinator/web/store/keep-file.ts';
import { readLeftOut } from '../../../coordinator/web/store/left-out.ts';
import { withoutGaps } from '../../../coordinator/web/store/without-gaps.ts';
import { takeShared } from '../../../coordinator/web/worker/share.ts';

const PLAIN = { media_type: 'application/octet-stream', width: null, height: null };

/** An app at a path of its own. `share`: takes files from the share sheet, and resolves with where it leads. */
function device(base: string) {
  const database = new Database(databaseName(base.replace(/\/$/, '')));
  const share = async (...files: File[]) => {
    const body = new FormData();
    for (const file of files) body.append('files', file);
    const request = new Request(`https://phone.example${base}share`, { method: 'POST', body });
    const { status, headers } = await takeShared(request, base);
    return { status, to: new URL(headers.get('location') ?? '') };
  };
  const keep = (id: string, more: object) =>
    database.use((db) => db.put('files', { id, name: id, blob: new Blob(['x']), bytes: 1, ...PLAIN, ...more }));
  const names = async () => (await database.use((db) => db.getAll('files'))).map(({ name }) => name);
  return { share, keep, names };
}

const small = (n: number) => Array.from({ length: n }, (_, i) => new File(['x'], `${i}.txt`));

test('all that was shared fits: nothing is said', async (t) => {
  const { share, names } = device('/fits/');
  const { status, to } = await share(...small(LIMITS.attachments_per_message_max));
  t.is(status, 303);
  t.is(to.href, 'https://phone.example/fits/new?shared=1');
  t.is((await names()).length, LIMITS.attachments_per_message_max);
});

test('the files that the draft has count, and those beyond are told', async (t) => {
  const { share, keep, names } = device('/counted/');
  for (let i = 0; i < 6; i++) await keep(`before ${i}`, { draft: 'new' });
  await keep('of another draft', { draft: 'say t' });
  const { to } = await share(...small(6));
  t.is((await names()).length, 7 + 4);
  t.deepEqual(readLeftOut(to.searchParams), { count: 2, why: ['too_many'] });
});

test('a file that is too large, an empty one, and one without room on the device are told, each with why', async (t) => {
  const { share, keep, names } = device('/faults/');
  const large = new File([new Uint8Array(LIMITS.attachment_bytes_max + 1)], 'large.bin');
  const first = await share(large, new File([], 'empty.txt'), ...small(1));
  t.deepEqual(readLeftOut(first.to.searchParams), { count: 2, why: ['too_large', 'unreadable'] });
  await keep('waits', { bytes: DEVICE_BYTES_MAX - 1 });
  const second = await share(...small(3));
  t.deepEqual(readLeftOut(second.to.searchParams), { count: 3, why: ['no_room'] });
  t.deepEqual((await names()).sort(), ['0.txt', 'waits']);
});

test('an address that says anything else about what was left out says nothing', (t) => {
  for (const query of [
    '',
    'left_out=',
    'left_out=x&why=too_many',
    'left_out=-1',
    'left_out=1e9',
    'left_out=10000',
    'why=too_many',
  ])
    t.is(readLeftOut(new URLSearchParams(query)), undefined, query);
  t.deepEqual(readLeftOut(new URLSearchParams('left_out=1&why=<b>&why=constructor')), { count: 1, why: [] });
});

test('no gap of a text that was shared pushes its end off the screen, and its lines stay', (t) => {
  for (const gap of [
    '\n'.repeat(40),
    '\u200B\n'.repeat(40),
    ' '.repeat(3_000),
    '\u00A0\u2800'.repeat(500),
    '\r\n\t'.repeat(9),
    '\n\n\n',
    ...['\u034F', '\uFE0F', '\u17B4', '\u180B', '\u{E0100}'].map((hidden) => `${hidden}\n`.repeat(20)),
  ])
    t.is(withoutGaps(`Look${gap}and run it`), 'Look\n\nand run it');
  for (const text of ['one\n\n  two\n\tthree', 'a\r\n\r\nb', `if${' '.repeat(60)}x`, '👩‍💻 works', '❤️ and 🏴󠁧󠁢󠁥󠁮󠁧󠁿'])
    t.is(withoutGaps(text), text);
});
