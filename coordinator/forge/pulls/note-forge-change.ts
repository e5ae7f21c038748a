import type { Tx } from '../../sqlite/event-log.ts';
import type { ThreadKey } from '../../sqlite/forge-requests.ts';
import { hurryPull, listPullsAt, listPullsAtNumber } from '../../sqlite/pulls.ts';
import type { ForgeEvent } from '../forge.ts';
import { changePull } from './pull-commands.ts';
import { pullsOfCheck } from './pulls-of-check.ts';

/** Has the pull request with this number looked at now, if it is an errand's. `at` is an ISO time. */
export function lookAtNumber(tx: Tx, { forge_id, repository_id, number }: ThreadKey, at: string): void {
  for (const { id } of listPullsAtNumber(tx.db, forge_id, repository_id, number))
    changePull(tx, id, { next_look_at: at }, at);
}

/**
 * What a forge says of a pull request: call it with each verified event, in the transaction that handles it. An event
 * is only a hint: whoever may add a webhook to one repository may know the secret of all. So the forge itself is asked
 * at once, and what it answers is stored. `at` is an ISO time.
 */
export function noteForgeChange(tx: Tx, forge_id: string, event: ForgeEvent, at: string): void {
  const { repository } = event;
  switch (event.type) {
    case 'pull':
      return lookAtNumber(tx, { forge_id, repository_id: repository.id, number: event.pull.number }, at);
    case 'check':
      for (const { id } of pullsOfCheck(tx.db, forge_id, event)) hurryPull(tx.db, id, at);
      return tx.announce('pulls');
    case 'repository': {
      // Also under which name it is now: an API call for the old name leads there.
      for (const { id } of listPullsAt(tx.db, forge_id, repository.id)) changePull(tx, id, { next_look_at: at }, at);
      return;
    }
    case 'review':
    case 'comment':
    case 'issue':
    case 'pull_checks':
  }
}
