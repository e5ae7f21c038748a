import { execFileSync } from 'node:child_process';
import test from 'ava';
import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSpool } from '../../../agent-container/reporting/spool-files.ts';
import { Spool } from '../../../agent-container/reporting/spool.ts';
import type { WorkerEvent } from '../../../protocol/events.ts';
import { diskTest, mountDisk } from '../../support/disk.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { until } from '../../support/until.ts';

const MiB = 1024 * 1024;
const log = (text: string): WorkerEvent => ({ type: 'log', body: { level: 'info', text } });
const closed = new Error('closed');

test('events are numbered from 1, and read in order', async (t) => {
  const spool = new Spool(await temporaryFolder(t), MiB);
  t.deepEqual(await Promise.all([spool.append(log('a')), spool.append(log('b'))]), [1, 2]);
  t.deepEqual(
    spool.read(1, 10, MiB).map(({ text }) => (JSON.parse(text) as { seq: number; body: unknown }).body),
    [log('a').body, log('b').body],
  );
  t.is(spool.read(1, 1, MiB).length, 1);
  t.is(spool.read(2, 10, MiB)[0]?.seq, 2);
});

test('a read gives at least one event, and no more bytes than asked for', async (t) => {
  const spool = new Spool(await temporaryFolder(t), MiB);
  for (let i = 0; i < 3; i++) await spool.append(log('x'.repeat(1000)));
  t.is(spool.read(1, 10, 10).length, 1);
  t.is(spool.read(1, 10, 2500).length, 2);
});

test('the next process continues with the next number, and has the events that were not acknowledged', async (t) => {
  const dir = await temporaryFolder(t);
  const first = new Spool(dir, MiB);
  for (const text of ['a', 'b', 'c']) await first.append(log(text));
  first.acknowledge(2);
  // The process is killed here: nothing is closed.
  const second = new Spool(dir, MiB);
  t.is(second.last_seq, 3);
  t.is(await second.append(log('d')), 4);
  t.deepEqual(
    second.read(3, 10, MiB).map(({ seq }) => seq),
    [3, 4],
  );
});

test('the next number is known even if every event was acknowledged and all segments but the newest are removed', async (t) => {
  const dir = await temporaryFolder(t);
  const first = new Spool(dir, 8 * MiB);
  for (let i = 0; i < 5; i++) {
    await first.append(log('x'.repeat(600_000)));
    first.acknowledge(i + 1);
  }
  t.is((await readdir(dir)).filter((name) => name.endsWith('.jsonl')).length, 1);
  const second = new Spool(dir, 8 * MiB);
  t.is(second.last_seq, 5);
  t.is(await second.append(log('next')), 6);
});

test('a last line that is incomplete is cut off, and its number is used again', async (t) => {
  const dir = await temporaryFolder(t);
  const first = new Spool(dir, MiB);
  await first.append(log('whole'));
  const [name = ''] = await readdir(dir);
  await appendFile(join(dir, name), '{"seq":2,"at":"2026-01-01T00:00:00.000Z","type":"log","bo');
  const second = new Spool(dir, MiB);
  t.is(second.last_seq, 1);
  t.is(await second.append(log('again')), 2);
  const lines = (await readFile(join(dir, name), 'utf8')).trimEnd().split('\n');
  t.deepEqual(
    lines.map((line) => (JSON.parse(line) as { seq: number }).seq),
    [1, 2],
  );
});

test('reading stops at a line that is not the next event', async (t) => {
  const dir = await temporaryFolder(t);
  const first = new Spool(dir, MiB);
  for (const text of ['a', 'b', 'c']) await first.append(log(text));
  const [name = ''] = await readdir(dir);
  const lines = (await readFile(join(dir, name), 'utf8')).split('\n');
  await writeFile(join(dir, name), [lines[0], 'rubbish', lines[2], ''].join('\n'));
  t.is(new Spool(dir, MiB).last_seq, 1);
});

test('while the spool is full events wait, in order', async (t) => {
  const spool = new Spool(await temporaryFolder(t), 3000);
  await spool.append(log('x'.repeat(2000)));
  const order: number[] = [];
  const waiting = ['b', 'c', 'd'].map(async (text) => order.push(await spool.append(log(text.repeat(1500)))));
  await new Promise(setImmediate);
  t.is(spool.last_seq, 1);
  spool.acknowledge(1);
  await new Promise(setImmediate);
  t.is(spool.last_seq, 2);
  spool.acknowledge(2);
  await new Promise(setImmediate);
  spool.acknowledge(3);
  await Promise.all(waiting);
  t.deepEqual(order, [2, 3, 4]);
});

test('a small event does not overtake a large one that waits', async (t) => {
  const spool = new Spool(await temporaryFolder(t), 3000);
  await spool.append(log('x'.repeat(2000)));
  const large = spool.append(log('y'.repeat(2000)));
  const small = spool.append(log('z'));
  spool.acknowledge(1);
  t.deepEqual(await Promise.all([large, small]), [2, 3]);
});

test('closing the spool rejects the events that wait', async (t) => {
  const spool = new Spool(await temporaryFolder(t), 100);
  await spool.append(log('x'.repeat(200)));
  const waiting = spool.append(log('y'));
  spool.close(closed);
  t.is(await t.throwsAsync(waiting), closed);
  t.is(await t.throwsAsync(spool.append(log('z'))), closed);
});

test('the spool of another process can be read; a missing one is empty', async (t) => {
  const dir = await temporaryFolder(t);
  const spool = new Spool(dir, MiB);
  await spool.append(log('a'));
  t.deepEqual(
    readSpool(dir).map(({ seq, type }) => [seq, type]),
    [[1, 'log']],
  );
  t.deepEqual(readSpool(join(dir, 'nothing')), []);
});

diskTest('on a full disk events wait until there is room, and none is dropped', async (t) => {
  const disk = mountDisk(t, join(await temporaryFolder(t), 'disk'), 3);
  const dir = `${disk}/spool`;
  const spool = new Spool(dir, 64 * MiB);
  const numbers: number[] = [];
  await writeFile(`${disk}/filling`, Buffer.alloc(MiB));
  const appended = Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      spool.append(log(`${i} ${'x'.repeat(40_000)}`)).then((seq) => void numbers.push(seq)),
    ),
  );
  await until('the disk is full', () => numbers.length > 0);
  t.true(numbers.length < 60, `${numbers.length} were written`);
  // The files are consistent: a later process would read them.
  t.is(new Spool(dir, MiB).last_seq, spool.last_seq);
  await rm(`${disk}/filling`);
  await appended;
  t.deepEqual(
    numbers,
    Array.from({ length: 60 }, (_, i) => i + 1),
  );
  t.is(new Spool(dir, MiB).last_seq, 60);
});

diskTest('closing the spool while its disk is full rejects the events that wait', async (t) => {
  const disk = mountDisk(t, join(await temporaryFolder(t), 'disk'), 1);
  await writeFile(`${disk}/filling`, Buffer.alloc(MiB)).catch(() => undefined);
  const spool = new Spool(`${disk}/spool`, 64 * MiB);
  const waiting = spool.append(log('x'.repeat(100_000)));
  spool.close(closed);
  await t.throwsAsync(waiting, { is: closed });
});

diskTest('after a command has filled the disk its result can still be reported', async (t) => {
  const disk = mountDisk(t, join(await temporaryFolder(t), 'disk'), 4);
  const spool = new Spool(`${disk}/spool`, 64 * MiB);
  await writeFile(`${disk}/filling`, Buffer.alloc(8 * MiB)).catch(() => undefined);
  t.is(await spool.append(log(`No space left: ${'x'.repeat(500_000)}`)), 1);
});

test('what a command put in the place of a segment is removed, and holds up no event', async (t) => {
  const dir = await temporaryFolder(t);
  const pipe = (first_seq: number) => execFileSync('mkfifo', [join(dir, `000000000${first_seq}.jsonl`)]);
  pipe(1);
  t.deepEqual(readSpool(dir), []);
  pipe(1);
  const spool = new Spool(dir, 8 * MiB);
  pipe(3);
  for (let i = 0; i < 3; i++) await spool.append(log('x'.repeat(MiB * 0.6)));
  t.is(new Spool(dir, 8 * MiB).last_seq, 3);
});
