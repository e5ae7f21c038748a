import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { RefusedEvents } from '../../../agent-container/reporting/refused-events.ts';
import { Spool } from '../../../agent-container/reporting/spool.ts';
import { NumberedEvent, type WorkerEvent } from '../../../protocol/events.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { setReporterScene as scene } from '../../support/reporter-scene.ts';
import { until } from '../../support/until.ts';

const at = '2026-01-02T03:04:05.678Z';
const STARTED: WorkerEvent = { type: 'agent.started', body: { agent: 'test', version: '1', resumed: false } };
const REFUSED: Record<string, object> = {
  'with a bad body': { at, type: 'plan.updated', body: { items: 'none' } },
  'of an unknown type': { at, type: 'plan.invented', body: {} },
  'that is too long': { at, type: 'log', body: { level: 'info', text: 'x'.repeat(30_000) } },
  'with a bad time': { at: 'yesterday', type: 'log', body: { level: 'info', text: 'x' } },
  'without anything': {},
};

for (const [what, event] of Object.entries(REFUSED))
  test(`an event ${what} gets the same replacement in each process, whatever the error and the batch`, async (t) => {
    const dir = join(await temporaryFolder(t), 'spool');
    mkdirSync(dir);
    const after = { at, type: 'log', body: { level: 'info', text: 'after' } };
    const lines = [event, after].map((each, i) => `${JSON.stringify({ seq: i + 1, ...each })}\n`);
    writeFileSync(join(dir, '0000000001.jsonl'), lines.join(''));
    const [first, second] = [1, 2].map((process) => {
      const spool = new Spool(dir, 1e6);
      const batch = spool.read(1, process, 1e6);
      const field = `/events/0/body/${process}`;
      const error = new ErrandError('invalid', `Process ${process} was told.`, { errors: [{ field, message: 'no' }] });
      new RefusedEvents(spool).replace(batch, error);
      const texts = spool.read(1, 9, 1e6).map(({ text }) => text);
      spool.close(new Error('the process ended'));
      return texts;
    });
    t.is(first?.[0], second?.[0]);
    t.like(NumberedEvent.parse(JSON.parse(first?.[0] ?? '')), {
      seq: 1,
      at: 'at' in event && event.at === at ? at : '1970-01-01T00:00:00.000Z',
      type: 'log',
      body: { level: 'error', text: 'The coordinator refused an event of this attempt: number 1 is left out.' },
    });
    t.is(first?.[1], lines[1]?.trimEnd());
    // The reason is an event of its own, which the first process wrote to disk.
    t.regex(first?.[2] ?? '', /Event 1 was refused: Process 1 was told/);
    t.is(second?.[2], first?.[2]);
  });

test('a delta or a wait that the coordinator refuses is dropped, and the event beside it stays', async (t) => {
  const { signal } = new AbortController();
  const log = (text: string): WorkerEvent => ({ type: 'log', body: { level: 'info', text } });
  const { reporter, task, posts, texts, lost } = await scene(t, { heartbeat_ms: 50 });
  await reporter.emit(STARTED);
  await reporter.drained(signal);
  reporter.delta({ ref: 'x'.repeat(101), kind: 'text', text: 'Hm.' });
  await reporter.emit(log('beside a delta'));
  await reporter.drained(signal);
  reporter.waitingFor({ kind: 'model', since: 'yesterday' });
  await reporter.emit(log('beside a wait'));
  await reporter.drained(signal);
  const [beats, before] = [task.current.heartbeats.length, posts()];
  await until('heartbeats go on', () => task.current.heartbeats.length > beats + 1);
  t.deepEqual(texts(), ['beside a delta', 'beside a wait']);
  t.deepEqual([lost, reporter.waiting_for, posts()], [[], null, before]);
});
