import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { DurableSubscriber } from '../../coordinator/sqlite/durable-subscriber.ts';
import type { EventLog } from '../../coordinator/sqlite/event-log.ts';

/** The event types of the durable subscriber. */
const TYPES = ['task.created', 'task.status', 'attempt.ended'];

const fileIn = (data_dir: string) => join(data_dir, 'durable-subscriber.txt');

/**
 * A durable subscriber that appends the id of each event to a file. `onHandled` is called before its cursor is stored.
 */
export function writeDown(log: EventLog, data_dir: string, onHandled: () => void): DurableSubscriber {
  return new DurableSubscriber({
    log,
    logger: pino({ level: 'silent' }),
    name: 'chaos',
    types: TYPES,
    handle: ({ id }) => {
      appendFileSync(fileIn(data_dir), `${id}\n`);
      onHandled();
    },
  });
}

/** Checks that the subscriber got each of these events at least once, in order. `events`: ascending ids. */
export function durableViolations(data_dir: string, events: { id: number; type: string }[]): string[] {
  const expected = events.filter(({ type }) => TYPES.includes(type)).map(({ id }) => id);
  const file = fileIn(data_dir);
  const written = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map(Number) : [];
  const first_times = [...new Set(written)].filter((id) => expected.includes(id));
  return first_times.join() === expected.join()
    ? []
    : [`durable subscriber: got ${first_times.join()}, expected ${expected.join()}`];
}
