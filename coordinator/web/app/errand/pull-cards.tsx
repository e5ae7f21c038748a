import { Fragment, type JSX } from 'preact';
import type { PullChecks, PullRequest } from '../../../../protocol/pulls.ts';
import type { Task } from '../../../../protocol/task.ts';
import { isNewWork, SAMPLE_REPO_URL } from '../../../../protocol/without-schemas.ts';
import { failedChecks } from '../../../client/errand/failed-checks.ts';
import { PullChip } from '../../parts/pull-chip.tsx';
import { format, t } from '../../parts/speech.ts';
import { repositoryName } from '../../parts/words.ts';
import { s } from '../screen-speech.ts';
import { MergePull } from './merge-pull.tsx';
import { AskAgain, OpenPulls } from './open-pulls.tsx';
import { TokenLinks } from './token-links.tsx';
import { UpdateBase } from './update-base.tsx';

/** The pull requests of an errand, and the button that opens one from what it has pushed. */
export function PullCards({ task }: { task: Task }): JSX.Element | null {
  const { pulls = [] } = task;
  const missing = lacksPull(task);
  if (pulls.length === 0 && missing.length === 0) return null;
  return (
    <div class="pulls">
      {pulls.map((pull) => (
        <PullCard key={pull.id} pull={pull} task={task} />
      ))}
      {missing.length > 0 && <OpenPulls task={task} repositories={missing} />}
    </div>
  );
}

/**
 * The repositories with pushed work of which no pull request is there. One that has failed says so itself. The sample
 * is on no forge, so it can have none.
 */
function lacksPull({ pulls = [], result, repo_url, repositories, ended_at }: Task): string[] {
  if (ended_at === null) return [];
  const first = { repo_url, commit: result?.commit ?? null, base_commit: result?.base_commit ?? null };
  return (repositories ?? [first]).flatMap(({ repo_url: own, commit, base_commit }) => {
    if (commit === null || commit === base_commit || own === SAMPLE_REPO_URL) return [];
    const has_one = ({ state, head, told_commit, repo_url: of }: PullRequest): boolean =>
      of === own &&
      (state === 'merged' ? !isNewWork({ head_commit: head.commit, told_commit }, commit) : state !== 'closed');
    return pulls.some(has_one) ? [] : [own];
  });
}

function PullCard({ pull, task }: { pull: PullRequest; task: Task }): JSX.Element {
  const { id, attempt } = task;
  const { title, url, repository, problem, retry_at, state, checks } = pull;
  const is_open = state === 'open';
  const key = task.repositories?.find(({ repo_url }) => repo_url === pull.repo_url)?.key;
  return (
    <div class="pull-card">
      {url === null ? (
        <b dir="auto">{title}</b>
      ) : (
        <a href={url} target="_blank" rel="noreferrer" dir="auto">
          {title}
        </a>
      )}
      <PullChip pull={pull} />
      <small>
        {[repository ?? repositoryName(pull.repo_url), is_open ? authorWords(pull) : null]
          .filter((part) => part !== null)
          .join(' · ')}
      </small>
      {is_open && checks && checks.failed_names.length > 0 && <FailedChecks of={checks} />}
      {is_open && pull.conflicts === true && (
        // Each attempt may be asked once.
        <UpdateBase key={attempt} task_id={id} base={pull.base} repository={key} conflicts />
      )}
      {is_open && <MergePull task={task} pull={pull} />}
      {problem !== null && (
        <p class="fault" role="status">
          {t.in_english(problem)} {retry_at !== null && s.pulls.retry_at(format.clock(retry_at))}
        </p>
      )}
      {problem !== null && <TokenLinks task={task} about={[pull.repo_url]} />}
      {problem !== null && <AskAgain task={task} pull={pull} />}
    </div>
  );
}

/** The names of checks that have not passed, each with the page that shows its log. */
function FailedChecks({ of }: { of: PullChecks }): JSX.Element {
  return (
    <p class="fault">
      {s.pulls.failed_checks}{' '}
      {failedChecks(of).map(({ name, state, url }, i) => (
        <Fragment key={i}>
          {i > 0 && ', '}
          {url === null ? (
            s.pulls.check[state](name)
          ) : (
            <a href={url} target="_blank" rel="noreferrer">
              {s.pulls.check[state](name)}
            </a>
          )}
        </Fragment>
      ))}
    </p>
  );
}

function authorWords({ author, wished_author }: PullRequest): string {
  return author !== wished_author && author === 'person' ? s.pulls.not_as_app : s.pulls.as[author];
}
