import test from 'ava';
import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSpool, Spool } from '../../../agent-container/reporting/spool.ts';
import type { WorkerEvent } from '../../../protocol/events.ts';
import { diskTest, mountDisk } from '../../support/disk.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { until } from '../../support/until.ts';

const MiB = 1024 * 1024;
const log = (text: string): WorkerEvent => ({ type: 'log', body: { level: 'info', text } });
const closed = new Error('closed');

test('numbers events from 1 and gives them back in order', async (t) => {
  const spool = new Spool(await temporaryFolder(t), MiB);
  t.deepEqual(await Promise.all([spool.append(log('a')), spool.append(log('b'))]), [1, 2]);
  t.deepEqual(
    spool.from(1, 10, MiB).map(({ text }) => (JSON.parse(text) as { seq: number; body: unknown }).body),
    [log('a').body, log('b').body],
  );
  t.is(spool.from(1, 1, MiB).length, 1);
  t.is(spool.from(2, 10, MiB)[0]?.seq, 2);
});

test('gives one event at least, and no more than the bytes that were asked for', async (t) => {
  const spool = new Spool(await temporaryFolder(t), MiB);
  for (let i = 0; i < 3; i++) await spool.append(log('x'.repeat(1000)));
  t.is(spool.from(1, 10, 10).length, 1);
  t.is(spool.from(1, 10, 2500).length, 2);
});

test('a next process goes on with the next number, and has what was not acknowledged', async (t) => {
  const dir = await temporaryFolder(t);
  const first = new Spool(dir, MiB);
  for (const text of ['a', 'b', 'c']) await first.append(log(text));
  first.acknowledge(2);
  // The process is killed here: nothing is closed.
  const second = new Spool(dir, MiB);
  t.is(second.last_seq, 3);
  t.is(await second.append(log('d')), 4);
  t.deepEqual(
    second.from(3, 10, MiB).map(({ seq }) => seq),
    [3, 4],
  );
});

test('knows the next number also when every event was acknowledged and every segment but the newest is gone', async (t) => {
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

test('a torn last line was never an event: it is cut off, and its number is given again', async (t) => {
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

test('a line that is not the next event ends what is read', async (t) => {
  const dir = await temporaryFolder(t);
  const first = new Spool(dir, MiB);
  for (const text of ['a', 'b', 'c']) await first.append(log(text));
  const [name = ''] = await readdir(dir);
  const lines = (await readFile(join(dir, name), 'utf8')).split('\n');
  await writeFile(join(dir, name), [lines[0], 'rubbish', lines[2], ''].join('\n'));
  t.is(new Spool(dir, MiB).last_seq, 1);
});

test('a spool that is full lets events wait, in order, until there is room', async (t) => {
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

test('whoever waits when the spool is closed is refused', async (t) => {
  const spool = new Spool(await temporaryFolder(t), 100);
  await spool.append(log('x'.repeat(200)));
  const waiting = spool.append(log('y'));
  spool.close(closed);
  t.is(await t.throwsAsync(waiting), closed);
  t.is(await t.throwsAsync(spool.append(log('z'))), closed);
});

test('an earlier spool is read whole, and one that is not there is empty', async (t) => {
  const dir = await temporaryFolder(t);
  const spool = new Spool(dir, MiB);
  await spool.append(log('a'));
  t.deepEqual(
    readSpool(dir).map(({ seq, type }) => [seq, type]),
    [[1, 'log']],
  );
  t.deepEqual(readSpool(join(dir, 'nothing')), []);
});

diskTest('on a full disk whoever reports waits, and goes on once there is room: nothing is dropped', async (t) => {
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
  t.true(numbers.length < 60, `${numbers.length} found room`);
  // What is there is whole, for a process that would come after this one.
  t.is(new Spool(dir, MiB).last_seq, spool.last_seq);
  await rm(`${disk}/filling`);
  await appended;
  t.deepEqual(
    numbers,
    Array.from({ length: 60 }, (_, i) => i + 1),
  );
  t.is(new Spool(dir, MiB).last_seq, 60);
});

diskTest('a spool that is closed while its disk is full keeps nobody waiting', async (t) => {
  const disk = mountDisk(t, join(await temporaryFolder(t), 'disk'), 1);
  await writeFile(`${disk}/filling`, Buffer.alloc(MiB)).catch(() => undefined);
  const spool = new Spool(`${disk}/spool`, 64 * MiB);
  const waiting = spool.append(log('x'.repeat(100_000)));
  spool.close(closed);
  await t.throwsAsync(waiting, { is: closed });
});

diskTest('what a command that filled the disk came to can still be reported', async (t) => {
  const disk = mountDisk(t, join(await temporaryFolder(t), 'disk'), 4);
  const spool = new Spool(`${disk}/spool`, 64 * MiB);
  await writeFile(`${disk}/filling`, Buffer.alloc(8 * MiB)).catch(() => undefined);
  t.is(await spool.append(log(`No space left: ${'x'.repeat(500_000)}`)), 1);
});
