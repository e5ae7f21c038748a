import type { LogEvent } from '../../../protocol/events.ts';
import { saidReason } from '../../../protocol/said-reason.ts';
import { checksVerdict, isEnded } from '../../../protocol/without-schemas.ts';
import type { KnownEvent } from '../known-event.ts';
import type { Note } from './items.ts';

/** The events that make one line; undefined for those that show elsewhere. */
export function noteOf(event: LogEvent, known: KnownEvent): Note | undefined {
  switch (known.type) {
    case 'attempt.started':
      return event.attempt > 1 ? { what: 'attempt', n: event.attempt } : undefined;
    case 'attempt.ended': {
      const { detail, retry_at } = known.body;
      const reason = saidReason(known.body);
      return retry_at === null ? undefined : { what: 'attempt_over', reason, detail, retry_at };
    }
    case 'turn.retried':
      return { what: 'retried', reason: known.body.reason, retry_at: known.body.retry_at };
    case 'context.reduced':
      return { what: 'shortened' };
    case 'limit.near':
      return { what: 'limit', ...known.body };
    case 'pull.opened':
      return { what: 'pull', happened: 'opened', pull: known.body.pull };
    case 'pull.changed':
      return pullNote(known.body);
    case 'thread.read':
      return { what: 'thread', ...known.body };
    case 'branch.pushed': {
      const { branch, wip, diff_stat, repository } = known.body;
      return {
        what: 'pushed',
        branch,
        wip,
        repository,
        insertions: diff_stat.insertions,
        deletions: diff_stat.deletions,
      };
    }
    case 'task.budget':
      return { what: 'budget', budget_usd: known.body.budget_usd };
    case 'schedule.paused':
      return { what: 'schedule_paused', name: known.body.name, failures: known.body.failures };
    case 'task.model':
      return { what: 'model', ...known.body };
    case 'task.cancel_requested':
      return { what: 'cancelling' };
    case 'task.status': {
      const { to: status, detail } = known.body;
      return isEnded(status) ? { what: 'ended', status, reason: saidReason(known.body), detail } : undefined;
    }
    case 'log':
      return { what: 'log', ...known.body };
    case 'custom':
      return { what: 'other', text: `${known.body.name} ${JSON.stringify(known.body.data) ?? ''}` };
    default:
      return undefined;
  }
}

type Changed = Extract<KnownEvent, { type: 'pull.changed' }>['body'];

const PULL_STATES = { open: 'reopened', merged: 'merged', closed: 'closed', failed: 'not_opened' } as const;

/** What a person is told of in the conversation; the card below it shows the rest. */
function pullNote({ pull, changed }: Changed): Note | undefined {
  const { state } = pull;
  if (changed.includes('state') && state !== 'opening') return { what: 'pull', happened: PULL_STATES[state], pull };
  if (changed.includes('checks') && checksVerdict(pull.checks) === 'failed')
    return { what: 'pull', happened: 'checks_failed', pull };
  return undefined;
}
