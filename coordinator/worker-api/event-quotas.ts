import type { EventQuota, EventQuotas } from '../base/config.ts';
import { sumEarlierEvents } from '../sqlite/attempts.ts';
import type { Db } from '../sqlite/database.ts';

type Use = { bytes: number; events: number };

/**
 * Why an attempt may not store what it sent, as a sentence for its person; null if it may. `use`: what the attempt
 * would have stored then.
 */
export function quotaFault(
  db: Db,
  quotas: EventQuotas,
  { task_id, attempt }: { task_id: string; attempt: number },
  use: Use,
): string | null {
  const too_much = excess(quotas.attempt, use);
  if (too_much !== null)
    return `The attempt wrote more than ${too_much}, and was ended. Its workspace is kept: a retry goes on from there.`;
  const earlier = attempt > 1 ? sumEarlierEvents(db, task_id, attempt) : { bytes: 0, events: 0 };
  const all = { bytes: earlier.bytes + use.bytes, events: earlier.events + use.events };
  const in_all = excess(quotas.task, all);
  if (in_all === null) return null;
  return `The attempts of this errand wrote more than ${in_all} together, and the newest was ended. Start a new errand.`;
}

function excess({ bytes_max, events_max }: EventQuota, { bytes, events }: Use): string | null {
  if (bytes > bytes_max) return `${Math.round(bytes_max / 1024 / 1024)} MB of events`;
  return events > events_max ? `${events_max} events` : null;
}
