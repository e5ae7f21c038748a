import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { NumberedEvent } from '../../protocol/events.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { PROCESS_TYPES, type EventsPost } from '../../protocol/worker-schemas.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import type { Rule } from './rule.ts';
import {
  addTask,
  exits,
  hand,
  happens,
  healthy,
  inOrder,
  keptTheRules,
  longTask,
  reaches,
  restartKilled,
  underWay,
  wholeLife,
  type WorkerUnderTest,
} from './worker-calls.ts';
import type { RunningWorker } from './worker-under-test.ts';

/** Long enough for a slow machine, and still told apart from three times as much. */
const MEASURED_HEARTBEAT_MS = 2_000;
const HEARTBEATS = 3;
/** A worker may send a refused event again, alone. */
const REPEATS_MAX = 5;
const REFUSED_SEQ = 3;
const SPOOL_BYTES_MAX = 128 * 1024;
/** An event that is larger than the room that is left waits. This is for the rest of its JSON. */
const SPOOL_SLACK_BYTES = 64 * 1024;

/** Rules about events and heartbeats. Each needs a new worker. */
export const REPORT_RULES: readonly Rule<WorkerUnderTest>[] = [
  {
    name: 'it sends a heartbeat at least every heartbeat_ms',
    check: async (context) => {
      const { worker, task } = await underWay(context, { heartbeat_ms: MEASURED_HEARTBEAT_MS });
      const max = MEASURED_HEARTBEAT_MS * 2;
      let since = performance.now();
      for (let n = 1; n <= HEARTBEATS; n++) {
        await reaches(worker, `heartbeat ${n}`, () => task.current.heartbeats.length >= n, max * 3);
        const gap = Math.round(performance.now() - since);
        assert.ok(gap < max, `heartbeat ${n} came after ${gap} ms; heartbeat_ms is ${MEASURED_HEARTBEAT_MS}`);
        since = performance.now();
      }
    },
  },
  {
    name: 'an event that is refused as invalid is replaced by a log with its number, or ends it with agent_error',
    check: async (context) => {
      let refused: NumberedEvent | undefined;
      let times = 0;
      const task = await wholeLife(context, {}, (given) => {
        given.examine = (post) => {
          const i = post.events.findIndex(({ seq }) => seq === REFUSED_SEQ);
          const event = post.events[i];
          if (event === undefined) return;
          refused ??= event;
          if (event.type === 'log' && !isDeepStrictEqual(event.body, refused.body)) return;
          // Whatever it does, this ends the worker.
          if (++times > REPEATS_MAX) throw new ErrandError('stale_attempt', 'It repeats a refused event.');
          const field = { field: `/events/${i}/body`, message: 'is refused by this rule' };
          throw new ErrandError('invalid', `Event ${REFUSED_SEQ} is refused by this rule.`, { errors: [field] });
        };
      }).catch((error: unknown) => {
        assert.ok(
          times <= REPEATS_MAX,
          `it sent event ${REFUSED_SEQ} again ${times} times, unchanged, after 400 invalid`,
        );
        throw error;
      });
      if (task.current.result?.reason === 'agent_error') return;
      assert.ok(refused !== undefined, `it sent no event ${REFUSED_SEQ}`);
      inOrder(task);
      keptTheRules(task);
    },
  },
  {
    name: 'after 409 events_missing it goes back to the event that is expected',
    check: async (context) => {
      let expected_seq: number | undefined;
      let next: number | undefined;
      const task = await wholeLife(context, {}, (given) => {
        given.examine = (post) => {
          const [first] = post.events;
          if (first === undefined || given.events.length === 0) return;
          if (expected_seq !== undefined) return void (next ??= first.seq);
          given.store({ ...post, events: [first] });
          expected_seq = first.seq + 1;
          throw new ErrandError('events_missing', 'Events are missing.', { expected_seq });
        };
      });
      assert.ok(next === expected_seq, `it went on with event ${next}, though event ${expected_seq} was expected`);
      inOrder(task);
      keptTheRules(task);
    },
  },
  {
    name: 'the next attempt reports what the attempt before had only in its spool, after its agent.started',
    check: async (context) => {
      const unstored = new Map<number, NumberedEvent>();
      const prompt = longTask(context);
      const worker = await context.source.start();
      await healthy(worker);
      worker.mock.faults.add('llm', { kind: 'hang' }, 1000);
      const task = addTask(worker, prompt);
      task.examine = refuseAfterStart(task, (event) => unstored.set(event.seq, event));
      await hand(worker, task);
      const lasting = () => [...unstored.values()].filter(isLasting);
      const has_lasting = await happens(() => lasting().length > 0, context.work_ms);
      const types = [...new Set(task.events.map(({ type }) => type))].join(', ');
      assert.ok(
        has_lasting,
        `it posted no event that the next attempt would have to report, within ${context.work_ms} ms in the long ` +
          `task: give --long a task that has one, such as a log, before the model first answers. It posted ${types || 'nothing'}`,
      );
      await restartKilled(context, worker, task, () => {
        task.nextAttempt();
        task.examine = undefined;
      });
      assert.ok(task.events[0]?.type === 'agent.started', `its first event was ${task.events[0]?.type}`);
      for (const { seq, type, body } of lasting()) {
        const found = task.events.some((event) => event.type === type && isDeepStrictEqual(event.body, body));
        assert.ok(found, `event ${seq} (${type}) of the attempt before was not acknowledged, and is lost`);
      }
      inOrder(task);
      keptTheRules(task);
    },
  },
];

/** Needs the noisy task. */
export const SPOOL_RULE: Rule<WorkerUnderTest> = {
  name: 'its spool keeps to spool_bytes_max: it waits while the spool is full, and drops nothing',
  check: async ({ source, prompts, work_ms }) => {
    const worker = await source.start();
    await healthy(worker);
    const task = addTask(worker, prompts.noisy ?? prompts.short, { spool_bytes_max: SPOOL_BYTES_MAX });
    task.examine = refuseAfterStart(task, () => {});
    await hand(worker, task);
    const full_seq = await untilNoNewEvents(worker, task, work_ms);
    const known = task.events.length;
    task.examine = undefined;
    await exits(worker, 0, work_ms);
    const bytes = Buffer.byteLength(JSON.stringify(task.events.slice(known, full_seq)));
    assert.ok(
      bytes < SPOOL_BYTES_MAX + SPOOL_SLACK_BYTES,
      `it spooled ${bytes} bytes, more than spool_bytes_max (${SPOOL_BYTES_MAX})`,
    );
    assert.ok(
      full_seq < (task.current.result?.last_seq ?? 0) - 10,
      'the noisy task has too few events to fill the spool: give one with at least 1 MB of events',
    );
    inOrder(task);
    keptTheRules(task);
  },
};

/** Whether the next attempt reports this event if it was not stored. */
function isLasting({ type }: NumberedEvent): boolean {
  const left_out: readonly string[] = PROCESS_TYPES;
  return !left_out.includes(type);
}

/**
 * Stores `agent.started`, and answers later POSTs of events with 503. It stores those that are about the process alone:
 * a worker may repeat a POST unchanged until it is stored, and send what follows only then.
 */
function refuseAfterStart(task: MockTask, see: (event: NumberedEvent) => void): (post: EventsPost) => void {
  return ({ events }) => {
    if (task.events.length === 0 || !events.some(isLasting)) return;
    for (const event of events) see(event);
    throw new ErrandError('unavailable', 'This rule stores no event for now.');
  };
}

/** The number of the newest event that heartbeats name, once it no longer grows. */
async function untilNoNewEvents(worker: RunningWorker, task: MockTask, within_ms: number): Promise<number> {
  const newest = () => task.current.heartbeats.slice(-4).map(({ last_seq }) => last_seq);
  const same = () => {
    const [first = 0, ...rest] = newest();
    return rest.length === 3 && first > 3 && rest.every((seq) => seq === first) ? first : undefined;
  };
  const what = 'the last_seq of its heartbeats grows, and stops while no event is stored';
  return reaches(worker, what, same, within_ms).catch((error: unknown) => {
    const words = error instanceof Error ? error.message : String(error);
    throw new Error(`${words} The last_seq of its newest heartbeats: ${newest().join(', ') || 'none'}.`, {
      cause: error,
    });
  });
}
