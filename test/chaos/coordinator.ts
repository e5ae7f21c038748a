import { armFailpoint } from '../../coordinator/base/failpoints.ts';
import { serve } from '../../coordinator/main.ts';
import { PACE } from './pace.ts';

/*
 * The coordinator as `npm start` runs it, but for its pace. An argument `before:<step>:<nth>` or `after:<step>:<nth>` makes it die at that
 * point (coordinator/base/failpoints.ts).
 */
const [at, what, nth] = (process.argv[2] ?? '').split(':');
if ((at === 'before' || at === 'after') && what !== undefined) armFailpoint({ at, what, nth: Number(nth) });
await serve({ pace: PACE });
