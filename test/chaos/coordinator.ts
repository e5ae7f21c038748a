import { serve } from '../../coordinator/main.ts';
import { failAt } from './failpoints.ts';
import { PACE } from './pace.ts';

/*
 * The coordinator as `npm start` runs it, except for its pace. An argument `before:<what>:<nth>` or `after:<what>:<nth>` kills it at that point
 * (see failpoints.ts).
 */
const [at, what, nth] = (process.argv[2] ?? '').split(':');
const fails = (at === 'before' || at === 'after') && what !== undefined;
await serve({ pace: PACE, ...(fails && failAt({ at, what, nth: Number(nth) })) });
