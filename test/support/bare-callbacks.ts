import { Callbacks, type CallbackDependencies } from '../../coordinator/worker-api/callbacks.ts';
import { EVENT_QUOTAS } from './event-quotas.ts';

/** The callbacks of a worker that sends nothing again and names no push that was not seen. */
export function bareCallbacks(parts: Pick<CallbackDependencies, 'log' | 'relay' | 'progress'>): Callbacks {
  return new Callbacks({
    ...parts,
    event_quotas: EVENT_QUOTAS,
    budget_bound: { member_budget_usd_max: 10 },
    countSame: () => Promise.reject(new Error('nothing is sent again')),
    findPush: () => Promise.reject(new Error('no push is named')),
  });
}
