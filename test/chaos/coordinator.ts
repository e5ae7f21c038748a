import { dirname } from 'node:path';
import { serve } from '../../coordinator/main.ts';
import { writeDown } from './durable.ts';
import { failAt } from './failpoints.ts';
import { PACE } from './pace.ts';

/*
 * The coordinator as `npm start` runs it, with shorter leases and a durable subscriber of the log. An argument
 * `before:<what>:<nth>` or `after:<what>:<nth>` kills it at that point (see failpoints.ts).
 */
const [at, what, nth] = (process.argv[2] ?? '').split(':');
const fails = (at === 'before' || at === 'after') && what !== undefined;
const { onHandled, ...options } = failAt(fails ? { at, what, nth: Number(nth) } : undefined);
void serve({
  ...options,
  pace: PACE,
  extend: (log, opened) => {
    const subscriber = writeDown(log, dirname(log.db.name), onHandled);
    subscriber.start();
    opened.defer(() => subscriber.stop());
  },
});
