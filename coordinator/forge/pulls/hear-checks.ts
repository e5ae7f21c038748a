import { isEnded } from '../../../protocol/task.ts';
import { mayBeMended, type PullRow } from '../../domain/pull.ts';
import type { TaskRow } from '../../domain/task.ts';
import type { Tx } from '../../sqlite/event-log.ts';
import { listForges } from '../../sqlite/forges.ts';
import type { ForgeEvent } from '../forge.ts';
import { storeEvent } from '../store-event.ts';

/** How long failed checks wait for others that run: some, such as an approval that somebody has to give, never end. */
export const CHECKS_WAIT_MS = 15 * 60_000;

/** Whether checks failed so long ago that those that still run are not waited for any longer. `now` is an ISO time. */
export function haveWaited({ checks, updated_at }: Pick<PullRow, 'checks' | 'updated_at'>, now: string): boolean {
  return mayBeMended(checks) && Date.parse(now) - Date.parse(updated_at) >= CHECKS_WAIT_MS;
}

/**
 * Has the failed checks of a pull request handled as if its forge had sent a webhook: it may send none, or it sent it
 * while the task was at work, or before the pull request was open. Each outcome of a commit's checks is handled once
 * for each attempt of the task, and once more when it has waited for those that run.
 */
export function hearFailedChecks(tx: Tx, pull: PullRow, task: TaskRow, at: string): void {
  const { checks, head_commit: commit, number, repository_id, owner, name } = pull;
  if (pull.state !== 'open' || !checks || !mayBeMended(checks) || !isEnded(task.status)) return;
  const forge = listForges(tx.db).find(({ origin }) => origin === pull.origin);
  if (!forge || number === null || repository_id === null || owner === null || name === null) return;
  const { running, passed, failed } = checks;
  const waited = haveWaited(pull, at) ? '-waited' : '';
  const delivery_id = `checks:${pull.id}:${commit}:${task.attempt}:${running}-${passed}-${failed}${waited}`;
  const event: ForgeEvent = {
    type: 'pull_checks',
    delivery_id,
    at,
    repository: { id: repository_id, owner, name, clone_url: pull.repo_url, default_branch: '' },
    sender: { id: '', login: 'errand', name: null, email: null, bot: true },
    number,
    commit,
  };
  storeEvent(tx, forge.id, event, at);
}
