import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { LIMITS } from '../../../protocol/limits.ts';
import { listAttachments } from '../../../coordinator/sqlite/attachments.ts';
import { eventsOf } from '../../support/events-of.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { loggedIn } from '../../support/logged-in.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

test('files go with an errand, a message and an answer', async (t) => {
  const { server, api, cli } = await loggedIn(t);
  const folder = await temporaryFolder(t);
  const [log, note] = [join(folder, 'build.log'), join(folder, 'note.txt')];
  await writeFile(log, 'fails');
  await writeFile(note, 'please');
  const sent = await cli.run(['task', 'Mend it', '--repo', 'errand://sample', '--attach', log, '--attach', note]);
  t.is(sent.code, 0, sent.stderr);
  const [task] = (await api.call('listTasks', {})).items;
  const errand = new LivelyErrand(server, task ?? { id: '' });
  errand.begin();
  t.is((await cli.run(['say', errand.id, 'See this.', '--attach', log])).code, 0);
  errand.ask('Which?', ['This', 'That']);
  const answered = await cli.run(['answer', errand.id, '2', '--attach', note]);
  t.is(answered.code, 0, answered.stderr);
  const attached = (await eventsOf(api, errand.id)).flatMap(({ body }) => {
    const { attachments, text } = body as { attachments?: { name: string; bytes: number }[]; text?: string };
    return attachments ? [[text, ...attachments.map(({ name, bytes }) => `${name} ${bytes}`)]] : [];
  });
  t.deepEqual(attached, [
    [undefined, 'build.log 5', 'note.txt 6'],
    ['See this.', 'build.log 5'],
    ['That', 'note.txt 6'],
  ]);
});

test('the same files with the same key are sent once, in their order; another file with it is refused', async (t) => {
  const { server, api, cli } = await loggedIn(t);
  const folder = await temporaryFolder(t);
  const paths = ['c.log', 'a.log', 'b.log'].map((name) => join(folder, name));
  for (const path of paths) await writeFile(path, 'fails');
  const files = paths.flatMap((path) => ['--attach', path]);
  const task = ['task', 'Mend it', '--repo', 'errand://sample', '--key', 'build-17', ...files];
  const sent = await cli.run(task);
  t.is(sent.code, 0, sent.stderr);
  t.is((await cli.run(task)).stdout, sent.stdout);
  const [created, ...others] = (await api.call('listTasks', {})).items;
  t.deepEqual(others, []);
  const { id } = created ?? { id: '' };
  t.deepEqual(
    listAttachments(server.db, id).map(({ name }) => name),
    ['c.log', 'a.log', 'b.log'],
  );
  for (let n = 0; n < 2; n++) t.is((await cli.run(['say', id, 'See.', '--key', 'say-17', ...files])).code, 0);
  t.is((await api.call('listMessages', { params: { id } })).items.length, 1);

  await writeFile(join(folder, 'b.log'), 'fails again');
  t.regex((await cli.run(task)).stderr, /Idempotency-Key came with another request/);
});

test('a file that cannot be sent is named, and nothing is sent', async (t) => {
  const { api, cli } = await loggedIn(t);
  const folder = await temporaryFolder(t);
  const [good, large] = [join(folder, 'good'), join(folder, 'large')];
  for (const path of [good, large]) await writeFile(path, 'x');
  await truncate(large, LIMITS.attachment_bytes_max + 1);
  const many = Array.from({ length: LIMITS.attachments_per_message_max + 1 }, () => ['--attach', good]).flat();
  for (const [options, words] of [
    [['--attach', good, '--attach', join(folder, 'missing')], /There is no file \S+missing\./],
    [['--attach', folder], /There is no file/],
    [['--attach', good, '--attach', large], /large has more than 25 MB\./],
    [many, /--attach takes at most 10 files at once\./],
  ] as const) {
    const { code, stderr } = await cli.run(['task', 'Mend it', '--repo', 'errand://sample', ...options]);
    t.is(code, 2);
    t.regex(stderr, words);
  }
  t.deepEqual((await api.call('listTasks', {})).items, []);
});
