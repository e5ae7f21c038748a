import type { PullRow } from '../../domain/pull.ts';
import type { Tx } from '../../sqlite/event-log.ts';
import { findPullAt, hurryPull, listPullsAt, listPullsOfBranch } from '../../sqlite/pulls.ts';
import type { ForgeEvent } from '../forge.ts';
import { stateOf } from './open-pull.ts';
import { changePull } from './pull-commands.ts';

/**
 * Stores what a forge says of a pull request: call it with each verified event, in the transaction that handles it. The
 * forge is asked for what the event does not say. `at` is an ISO time.
 */
export function noteForgeChange(tx: Tx, forge_id: string, event: ForgeEvent, at: string): void {
  const { repository } = event;
  switch (event.type) {
    case 'pull': {
      const row = findPullAt(tx.db, forge_id, repository.id, event.pull.number);
      if (row)
        changePull(
          tx,
          row.id,
          { ...stateOf(event.pull), ...names(event), ...headOf(row, event.pull), ...due(event.pull.state, at) },
          at,
        );
      return;
    }
    case 'check': {
      const rows =
        event.branch === null
          ? listPullsAt(tx.db, forge_id, repository.id).filter(({ head_commit }) => head_commit === event.commit)
          : listPullsOfBranch(tx.db, forge_id, repository.id, event.branch);
      for (const { id } of rows) hurryPull(tx.db, id, at);
      return tx.announce('pulls');
    }
    case 'repository':
      for (const { id } of listPullsAt(tx.db, forge_id, repository.id))
        changePull(tx, id, { ...names(event), next_look_at: at }, at);
      return;
    case 'review':
    case 'comment':
    case 'issue':
  }
}

function headOf(row: PullRow, { head }: Extract<ForgeEvent, { type: 'pull' }>['pull']): Partial<PullRow> {
  // The checks of an earlier commit say nothing of this one.
  return head.commit === row.head_commit ? {} : { head_commit: head.commit, checks: null };
}

function names({ repository: { owner, name } }: ForgeEvent): Pick<PullRow, 'owner' | 'name'> {
  return { owner, name };
}

function due(state: string, at: string): Pick<PullRow, 'next_look_at'> {
  return { next_look_at: state === 'open' ? at : null };
}
