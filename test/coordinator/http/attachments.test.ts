import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat, utimes } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { Attachment } from '../../../protocol/attachments.ts';
import { cleanName, sniff } from '../../../protocol/file-kind.ts';
import { isShowable } from '../../../protocol/showable.ts';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { Problem } from '../../../protocol/problem-document.ts';
import { ThreadPool } from '../../../coordinator/base/threads.ts';
import { checkAnswer, newNeed } from '../../../coordinator/domain/need.ts';
import { AttachmentFiles } from '../../../coordinator/tasks/attachment-files.ts';
import { AttachmentSweep } from '../../../coordinator/operations/attachment-sweep.ts';
import { findAttachment, insertAttachment, measureAttachments } from '../../../coordinator/sqlite/attachments.ts';
import { pino } from 'pino';
import { temporaryFolder } from '../../support/folder.ts';
import { startApi } from '../../support/start-api.ts';
import { endTask, runTask } from '../../support/fixtures.ts';
import { repo_url } from '../../support/send-errand.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';
import { readAssignment } from '../../support/read-assignment.ts';

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452000007d0000003e80806000000', 'hex');

async function set(t: ExecutionContext) {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const folder = join(server.data_dir, 'attachments', session.user.id);
  const put = async (id: string, body: Buffer | string, name = 'a.txt', token = api.token) => {
    const url = `${server.url}/attachments/${id}?name=${encodeURIComponent(name)}`;
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(url, { method: 'PUT', body: new Uint8Array(Buffer.from(body)), headers });
    const json: unknown = await response.json();
    return response.ok ? Attachment.parse(json) : Problem.parse(json);
  };
  const get = (id: string, token = api.token) =>
    fetch(`${server.url}/attachments/${id}`, { headers: { authorization: `Bearer ${token}` } });
  return { ...server, api, put, get, folder, user_id: session.user.id };
}

test('an upload can be repeated; another file under its id is a conflict, and changes nothing', async (t) => {
  const s = await set(t);
  const id = newId();
  const first = await s.put(id, 'hello');
  t.deepEqual(first, {
    id,
    name: 'a.txt',
    media_type: 'application/octet-stream',
    bytes: 5,
    width: null,
    height: null,
  });
  t.deepEqual(await s.put(id, 'hello'), first);
  t.like(await s.put(id, 'other'), { code: 'conflict' });
  t.is(await (await s.get(id)).text(), 'hello');
  t.is((await readdir(s.folder)).length, 1);
  t.is((await stat(join(s.folder, (await readdir(s.folder))[0] ?? ''))).mode & 0o077, 0);
});

test('a file that the client has already is not sent again', async (t) => {
  const s = await set(t);
  const id = newId();
  await s.put(id, 'hello');
  const etag = (await s.get(id)).headers.get('etag') ?? '';
  // Not `fetch`: with such a header it asks for no answer from a cache.
  const headers = { authorization: `Bearer ${s.api.token}`, 'if-none-match': etag };
  const asked = get(`${s.url}/attachments/${id}`, { headers });
  const [again] = (await once(asked, 'response')) as [IncomingMessage];
  t.is(again.statusCode, 304);
  t.is(await text(again), '');
});

test('a file is served to be saved, with the type of its bytes, and never as a page', async (t) => {
  const s = await set(t);
  const id = newId();
  t.like(await s.put(id, '<script>alert(1)</script>', 'x.html'), { media_type: 'application/octet-stream' });
  const { headers } = await s.get(id);
  t.is(headers.get('content-type'), 'application/octet-stream');
  t.is(headers.get('content-disposition'), "attachment; filename*=UTF-8''x.html");
  t.is(headers.get('x-content-type-options'), 'nosniff');
  t.regex(headers.get('content-security-policy') ?? '', /sandbox/);
  const [pic, svg] = [newId(), newId()];
  t.like(await s.put(pic, PNG, 'x.svg'), { media_type: 'image/png', width: 2000, height: 1000 });
  t.is((await s.get(pic)).headers.get('content-type'), 'image/png');
  t.like(await s.put(svg, '<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>', 'x.png'), {
    media_type: 'application/octet-stream',
  });
});

test('hostile names are harmless', (t) => {
  const names = ['../../etc/passwd', 'a\r\nSet-Cookie: x', 'gnp.\u202eexe', '..', '', '\u0000', 'a/../x"; rm', '. ./x'];
  for (const given of names) {
    const clean = cleanName(given);
    t.notRegex(clean, /[/\\\p{Cc}\p{Cf}]|^\./u, given);
    t.true(clean.length > 0);
  }
  t.true(cleanName(`${'x'.repeat(500)}.png`).endsWith('.png'));
  t.true(cleanName('😀'.repeat(300)).isWellFormed());
});

test('nothing is decoded to know what a file is, and a picture with too many pixels is not shown', (t) => {
  t.true(isShowable(sniff(PNG)));
  const bomb = Buffer.from(PNG);
  bomb.writeUInt32BE(60_000, 16);
  bomb.writeUInt32BE(60_000, 20);
  t.like(sniff(bomb), { media_type: 'image/png', width: 60_000 });
  t.false(isShowable(sniff(bomb)));
  for (let length = 0; length < PNG.length; length++) t.notThrows(() => sniff(PNG.subarray(0, length)));
  const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffc0001108012c0190030122', 'hex');
  t.deepEqual(sniff(jpeg), { media_type: 'image/jpeg', width: 400, height: 300 });
  for (let length = 0; length < jpeg.length; length++) t.notThrows(() => sniff(jpeg.subarray(0, length)));
  t.is(sniff(Buffer.from('GIF89a\x0a\x00\x14\x00', 'latin1')).width, 10);
  t.is(sniff(Buffer.from('%PDF-1.7')).media_type, 'application/pdf');
});

test('a file above its limit, an empty one, and one without a token are refused, and leave nothing', async (t) => {
  const s = await set(t);
  t.like(await s.put(newId(), Buffer.alloc(LIMITS.attachment_bytes_max + 1)), { code: 'too_large' });
  t.like(await s.put(newId(), ''), { code: 'invalid' });
  t.like(await s.put(newId(), 'x', 'a', 'none'), { code: 'unauthenticated' });
  t.deepEqual(await readdir(s.folder), []);
  t.is((await fetch(`${s.url}/attachments/..%2f..%2fkeys.json`, { method: 'PUT' })).status, 401);
});

test('a person has 1 GB and 200 unsent uploads at most, however many come at once', async (t) => {
  const s = await set(t);
  const room = 10;
  const row = { user_id: s.user_id, name: 'x', media_type: 'text/plain', sha256: '', width: null, height: null };
  const created_at = new Date().toISOString();
  const add = (bytes: number) => insertAttachment(s.db, { ...row, id: newId(), bytes, created_at });
  add(LIMITS.attachment_bytes_per_user_max - room);
  t.like(await s.put(newId(), 'x'.repeat(room + 1)), { code: 'too_large' });
  const own = newId();
  const at_once = await Promise.all([own, newId(), newId()].map((id) => s.put(id, id.slice(0, room))));
  t.is(at_once.filter((answer) => 'sha256' in answer || 'media_type' in answer).length, 1);
  t.like(await s.put(newId(), 'x'), { code: 'too_large' });
  t.is(measureAttachments(s.db, s.user_id).bytes, LIMITS.attachment_bytes_per_user_max);

  const other = await s.person('b@example.org');
  row.user_id = other.session.user.id;
  const [first, second] = [newId(), newId()];
  for (let i = 2; i < LIMITS.attachments_unsent_max; i++) add(1);
  for (const id of [first, second]) t.like(await s.put(id, 'x', 'a', other.api.token), { id });
  t.like(await s.put(newId(), 'x', 'a', other.api.token), { code: 'conflict' });
  t.like(await s.put(first, 'x', 'a', other.api.token), { id: first }, 'the same again');
  await other.api.call('createTask', { body: { prompt: 'x', repo_url, attachments: [first] } });
  t.like(await s.put(newId(), 'x', 'a', other.api.token), { name: 'a' }, 'one was sent');
});

test('uploads are invisible to others, and the same id of another person is another upload', async (t) => {
  const s = await set(t);
  const other = (await s.person('b@example.org')).api;
  const id = newId();
  await s.put(id, 'mine');
  t.is((await s.get(id, other.token)).status, 404);
  const refused = await other.refused('createTask', { body: { prompt: 'x', repo_url, attachments: [id] } });
  t.like(refused, { code: 'invalid', errors: [{ field: '/attachments/0' }] });
  t.like(await s.put(id, 'theirs', 'b', other.token), { bytes: 6 });
  t.is(await (await s.get(id)).text(), 'mine');
});

test('an upload is sent once, within the bounds of an errand, and comes with events and the assignment', async (t) => {
  const s = await set(t);
  const ids = Array.from({ length: 3 }, () => newId());
  for (const id of ids) await s.put(id, `file ${id}`);
  const [a = '', b = '', c = ''] = ids;
  const task = await s.api.call('createTask', { body: { prompt: 'x', repo_url, attachments: [a, b] } });
  const again = await s.api.refused('createTask', { body: { prompt: 'x', repo_url, attachments: [a] } });
  t.is(again.code, 'invalid');
  t.is((await s.api.refused('createTask', { body: { prompt: 'x', repo_url, attachments: [c, c] } })).code, 'invalid');
  const params = { id: task.id };
  await s.api.call('createMessage', { params, body: { text: 'see', attachments: [c] } });
  const { items } = await s.api.call('listEvents', { params });
  t.deepEqual(
    items.flatMap(({ body }) => (body as { attachments?: Attachment[] }).attachments?.map(({ id }) => id) ?? []),
    [a, b, c],
  );
  const waiting = await s.api.call('listMessages', { params });
  t.like(waiting.items, [{ attachments: [{ id: c }] }]);
  runTask(s.log, task.id);
  const deps = {
    db: s.log.db,
    settings: () => ({ env: {}, egress: 'none' as const, author: { name: '', email: '' } }),
    issueToken: () => Promise.resolve('t'),
    time_limit_ms: 1,
    park_after_ms: 1,
    pace: LIMITS,
    threads: new ThreadPool(),
  };
  const assignment = await readAssignment(deps, task.id, 1);
  t.deepEqual(assignment.attachments?.map(({ id }) => id).toSorted(), [a, b].toSorted());
  t.like(assignment.messages, [{ attachments: [{ id: c }] }]);
  const many = [];
  for (let i = 0; i < LIMITS.attachments_per_task_max - 2; i++) {
    many.push(newId());
    await s.put(many[i] ?? '', `${i}`);
  }
  const per = LIMITS.attachments_per_message_max;
  await s.api.call('createMessage', { params, body: { text: 'more', attachments: many.slice(0, per - 1) } });
  const body = { text: 'too many', attachments: many.slice(per - 1) };
  t.is((await s.api.refused('createMessage', { params, body })).code, 'too_large');
});

test('uploads that were never sent, and files without a row, are removed; those of an errand go with it', async (t) => {
  const s = await set(t);
  const [sent, unsent] = [newId(), newId()];
  await s.put(sent, 'sent');
  await s.put(unsent, 'unsent');
  const task = await s.api.call('createTask', { body: { prompt: 'x', repo_url, attachments: [sent] } });
  const files = new AttachmentFiles(s.data_dir);
  let ahead_ms = 0;
  const logger = pino({ level: 'silent' });
  const sweep = new AttachmentSweep({ log: s.log, files, logger, now: () => Date.now() + ahead_ms });
  await sweep.sweep();
  t.is((await readdir(s.folder)).length, 2);
  ahead_ms = (LIMITS.attachment_unsent_s + 1) * 1000;
  await sweep.sweep();
  t.deepEqual(
    (await readdir(s.folder)).map((name) => name.split('.')[0]),
    [sent],
  );
  t.is(findAttachment(s.log.db, s.user_id, unsent), undefined);
  const [name = ''] = await readdir(s.folder);
  await utimes(join(s.folder, name), 0, 0);
  await sweep.sweep();
  t.is((await readdir(s.folder)).length, 1, 'a file with a row stays, however old');
  runTask(s.log, task.id);
  endTask(s.log, task.id);
  await sweep.removeOfTask(task.id);
  t.deepEqual(await readdir(s.folder), []);
  t.is((await s.get(sent)).status, 404);
});

test('files go with an answer that the agent reads, once, and with no other', async (t) => {
  const s = await set(t);
  const errand = new LivelyErrand(s, await s.api.call('createTask', { body: { prompt: 'x', repo_url } }));
  errand.begin();
  errand.ask('Which?', ['This', 'That']);
  const [file, other] = [newId(), newId()];
  for (const id of [file, other]) await s.put(id, `file ${id}`);
  const need = (await s.api.call('getTask', { params: { id: errand.id } })).needs?.[0];
  const params = { id: errand.id, need_id: need?.id ?? '' };
  const unknown = { choose: ['2'], attachments: [file, newId()] };
  t.is((await s.api.refused('answerNeed', { params, body: unknown })).code, 'invalid');
  await s.api.call('answerNeed', { params, body: { choose: ['2'], text: 'Look:', attachments: [file] } });
  const [waiting] = (await s.api.call('listMessages', { params: { id: errand.id } })).items;
  t.like(waiting, { text: 'That\n\nLook:', attachments: [{ id: file }] });
  t.is(
    (await s.api.refused('createMessage', { params: { id: errand.id }, body: { text: 'x', attachments: [file] } }))
      .code,
    'invalid',
  );

  for (const [kind, choose, takes] of [
    ['push', 'approve', false],
    ['host', 'once', false],
    ['budget', 'add_2', false],
    ['push', 'send_back', true],
    ['question', '1', true],
  ] as const) {
    const options = [{ value: choose, label: choose }];
    const row = newNeed('t', { kind, question: '', ref: 'r', options, takes_text: true }, '2026-01-01T00:00:00.000Z');
    const answer = { choose: [choose], ...(choose === 'send_back' && { text: 'x' }), attachments: [other] };
    if (takes) t.notThrows(() => checkAnswer(row, answer), `${kind} ${choose}`);
    else
      t.throws(() => checkAnswer(row, answer), { message: /attachments are not possible here/ }, `${kind} ${choose}`);
  }
});

const moduleAt = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);
/** Stores a file of 100,000 bytes, and says what came of it. */
const WRITER = `
  import { AttachmentFiles } from ${moduleAt('coordinator/tasks/attachment-files.ts')};
  async function* source() { yield Buffer.alloc(100_000); }
  const written = new AttachmentFiles(process.argv[1]).write('ann', 'x', source(), 1_000_000);
  console.log(await written.then(({ bytes }) => 'stored ' + bytes, () => 'refused'));
`;

test('a file is never stored in part: the disk takes what it has room for, which is no error', async (t) => {
  const folder = await temporaryFolder(t);
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  const command = 'ulimit -f 64 && exec "$0" --input-type=module --eval "$1" "$2"';
  const run = promisify(execFile)('sh', ['-c', command, process.execPath, WRITER, folder], { env });
  t.is((await run).stdout, 'refused\n');
  t.deepEqual(await readdir(join(folder, 'attachments', 'ann')), []);
});
