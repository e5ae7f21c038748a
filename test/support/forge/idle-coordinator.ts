import { serve } from '../../../coordinator/main.ts';
import type { Runner } from '../../../coordinator/workers/runner.ts';
import { failAt } from '../../chaos/failpoints.ts';

/*
 * The coordinator as `npm start` runs it, with a runner that starts nothing: errands stay in the queue. An argument
 * `before:<event>:<nth>` or `after:<event>:<nth>` kills it at the nth commit of such an event.
 */
const IDLE: Runner = {
  name: 'idle',
  can_call: false,
  open: () => Promise.reject(new Error('It starts nothing.')),
  list: () => Promise.resolve([]),
  listLocal: () => [],
  remove: () => Promise.resolve(),
  check: () => Promise.resolve('It starts nothing.'),
  close: () => Promise.resolve(),
};

const [at, what, nth] = (process.argv[2] ?? '').split(':');
const fails = (at === 'before' || at === 'after') && what !== undefined;
const { commit_hook } = failAt(fails ? { at, what, nth: Number(nth) } : undefined);
await serve({ commit_hook, openRunner: () => Promise.resolve(IDLE) });
