import test, { type ExecutionContext } from 'ava';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readPreviousAttempt, spoolDir } from '../../../agent-container/reporting/previous-attempt.ts';
import { createSpool, readSpool } from '../../../agent-container/reporting/spool-files.ts';
import { Spool } from '../../../agent-container/reporting/spool.ts';
import type { WorkerEvent } from '../../../protocol/events.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { MockTask } from '../../support/mock-coordinator/task.ts';

const STARTED: WorkerEvent = { type: 'agent.started', body: { agent: 'scripted', version: '1', resumed: true } };
const logged = (text: string): WorkerEvent => ({ type: 'log', body: { level: 'info', text } });

/** What the third attempt would report, given its spools and the newest event that is stored. */
async function third(t: ExecutionContext, known: { attempt: number; last_seq: number }) {
  const spool_dir = await temporaryFolder(t);
  const { id, base } = new MockTask({});
  const leave = async (attempt: number, events: WorkerEvent[]) => {
    const spool = new Spool(spoolDir(spool_dir, id, attempt), base.spool_bytes_max);
    for (const event of events) await spool.append(event);
    spool.close(new Error('The process was killed.'));
  };
  await leave(1, [STARTED, logged('stored'), logged('a'), logged('b')]);
  const assignment = { ...base, attempt: 3, token: 'x', transcript: [], messages: [], known };
  const unreported = () =>
    readPreviousAttempt(spool_dir, assignment).unreported?.map(({ body }) => 'text' in body && body.text);
  return { leave, unreported, second: spoolDir(spool_dir, id, 2) };
}

const FIRST = { attempt: 1, last_seq: 2 };

test('an attempt that was killed before it took over a spool leaves that spool to the next', async (t) => {
  const { unreported } = await third(t, FIRST);
  t.deepEqual(unreported(), ['a', 'b']);
});

test('an attempt that was killed while it took over a spool leaves that spool to the next', async (t) => {
  const { unreported, second } = await third(t, FIRST);
  await mkdir(`${second}.new`);
  await writeFile(join(`${second}.new`, '0000000001.jsonl'), '{"seq":1,');
  t.deepEqual(unreported(), ['a', 'b']);
});

test('an attempt that was killed before its first event was stored leaves what it took over, once', async (t) => {
  const { leave, unreported } = await third(t, FIRST);
  await leave(2, [STARTED, logged('a'), logged('b'), logged('c')]);
  t.deepEqual(unreported(), ['a', 'b', 'c'], 'the first spool is not removed yet');
});

test('of what an attempt took over, the next reports only what is not stored', async (t) => {
  const { leave, unreported } = await third(t, { attempt: 2, last_seq: 2 });
  await leave(2, [STARTED, logged('a'), logged('b'), logged('c')]);
  t.deepEqual(unreported(), ['b', 'c']);
});

test('a new spool has its first events alone, also where one was not finished', async (t) => {
  const { second } = await third(t, FIRST);
  await mkdir(`${second}.new`);
  await writeFile(join(`${second}.new`, '0000000001.jsonl'), '{"seq":1,');
  await writeFile(join(`${second}.new`, '0000000002.jsonl'), '{"seq":2,"type":"log"}\n');
  createSpool(second, [STARTED, logged('a')]);
  t.deepEqual(
    readSpool(second).map(({ seq, type }) => [seq, type]),
    [
      [1, 'agent.started'],
      [2, 'log'],
    ],
  );
  t.false(existsSync(`${second}.new`));
});
