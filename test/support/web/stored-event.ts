import type { LogEvent } from '../../../protocol/events.ts';

/** An event as a device stores it. */
export const storedEvent = (id: number, task_id: string): LogEvent => ({
  id,
  task_id,
  attempt: 1,
  seq: null,
  type: 'log',
  at: '2026-01-01T00:00:00.000Z',
  body: {},
});
