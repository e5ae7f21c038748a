import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { MergeMethod, PullRequest } from '../../../../protocol/pulls.ts';
import type { Task } from '../../../../protocol/task.ts';
import { checksVerdict } from '../../../../protocol/without-schemas.ts';
import { changesPage, otherSeenCommit, seenOf } from '../../../client/errand/seen-commit.ts';
import { bringIntoSight } from '../../parts/bring-into-sight.ts';
import { useSession } from '../../parts/context.ts';
import { Confirm, Sheet } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { repositoryName } from '../../parts/words.ts';
import { refusalWords } from '../refusal-words.ts';
import { s } from '../screen-speech.ts';

type MergePullProps = { task: Task; pull: PullRequest };

/**
 * The buttons that mark an open pull request as ready for review, and that merge it; where it cannot be merged, why. It
 * shows as merged once the forge has said so.
 */
export function MergePull({ task, pull }: MergePullProps): JSX.Element {
  const { client } = useSession();
  const why = pull.draft ? undefined : obstacle(task, pull);
  const { busy, fault, act } = useAct(why ?? (checksVerdict(pull.checks) === 'passed' ? 'passed' : undefined));
  // As it was when the person touched the button: that is what they agree to.
  const seen = useSignal<PullRequest | undefined>(undefined);
  const close = (): void => {
    seen.value = undefined;
  };
  const asked = seen.value;
  const params = { id: task.id };
  const bodyOf = (agreed: PullRequest) => ({ ...whereOf(task, pull), ...seenOf(agreed) });
  const look = (): void => {
    // Not disabled then: a screen reader would lose its place.
    if (busy.value) return;
    fault.value = '';
    seen.value = pull;
  };
  return (
    <>
      {!busy.value && task.ended_at !== null && <OtherCommits task={task} pull={pull} />}
      {why !== undefined && !busy.value ? (
        <small>{s.merge.not_yet[why]}</small>
      ) : (
        <button type="button" class="choice" aria-disabled={busy.value} onClick={look}>
          {busy.value ? s.pulls.asking : pull.draft ? s.merge.ready : s.merge.merge}
        </button>
      )}
      {fault.value !== '' && <Refused words={fault.value} />}
      {asked?.draft === true && (
        <Confirm
          title={s.merge.ready_title(`#${pull.number}`)}
          about={asked.title}
          text={s.merge.ready_text}
          yes={s.merge.ready}
          onYes={() => act(client.call('readyPull', { params, body: bodyOf(asked) }))}
          onClose={close}
        />
      )}
      {asked?.draft === false && (
        <MergeSheet
          task={task}
          pull={asked}
          checks={pull.checks}
          why={why}
          onMerge={(method) => {
            close();
            act(client.call('mergePull', { params, body: { ...bodyOf(asked), method } }));
          }}
          onClose={close}
        />
      )}
    </>
  );
}

/** It may stand below what is on the screen. */
function Refused({ words }: { words: string }): JSX.Element {
  return (
    <p ref={bringIntoSight} class="fault" role="alert">
      {words}
    </p>
  );
}

/**
 * Waits for what a forge is asked for, and shows what has become of the errand. `news`: what may have put a refusal out
 * of date.
 */
function useAct(news: string | undefined) {
  const session = useSession();
  const busy = useSignal(false);
  const fault = useSignal('');
  useEffect(() => {
    if (news !== undefined) fault.value = '';
  }, [news]);
  const act = (answer: Promise<Task>): void => {
    busy.value = true;
    fault.value = '';
    answer
      .then((now) => session.put(now))
      .catch((error: unknown) => (fault.value = refusalWords(error)))
      .finally(() => (busy.value = false));
  };
  return { busy, fault, act };
}

/** `checks`, and `why` it cannot be merged: as they are now, while the person decides. */
type MergeSheetProps = MergePullProps & {
  checks: PullRequest['checks'];
  why: Obstacle | undefined;
  onMerge: (method: MergeMethod) => void;
  onClose: () => void;
};

/** Asks before a merge, and how: its repository says which ways there are. */
function MergeSheet({ task, pull, checks, why, onMerge, onClose }: MergeSheetProps): JSX.Element {
  const { client } = useSession();
  const methods = useSignal<readonly MergeMethod[] | undefined>(undefined);
  const fault = useSignal('');
  const { number, title, base, repository, repo_url } = pull;
  useEffect(() => {
    client
      .call('listMergeMethods', { params: { id: task.id }, query: whereOf(task, pull) })
      .then((answer) => (methods.value = answer.methods))
      .catch((error: unknown) => (fault.value = refusalWords(error)));
  }, []);
  const label = s.merge.title(`#${number}`);
  const page = changesPage(pull);
  return (
    <Sheet label={label} onClose={onClose}>
      <h2>{label}</h2>
      <p class="about" dir="auto">
        {title}
      </p>
      <p>{s.merge.into(base, repository ?? repositoryName(repo_url))}</p>
      <OtherCommits task={task} pull={pull} />
      {page !== null && (
        <p>
          <a href={page} target="_blank" rel="noreferrer">
            {s.merge.changes_page}
          </a>
        </p>
      )}
      {checksVerdict(checks) === 'running' && <p>{s.merge.checks_run}</p>}
      <p class={fault.value === '' ? 'soft' : 'fault'} role="status">
        {fault.value || (why ? s.merge.not_yet[why] : stateOf(methods.value))}
      </p>
      {(why ? [] : methods.value)?.map((method, i) => (
        <button key={method} type="button" class={i === 0 ? 'choice main' : 'choice'} onClick={() => onMerge(method)}>
          {s.merge.methods[method]}
        </button>
      ))}
      <button type="button" class="choice" onClick={onClose}>
        {t.cancel}
      </button>
    </Sheet>
  );
}

/** Where the newest commit is not the one whose changes the errand shows, says so. */
function OtherCommits({ task, pull }: MergePullProps): JSX.Element | null {
  const seen = otherSeenCommit(task, pull);
  if (seen === undefined) return null;
  return <p class="fault">{s.merge.other_commits(pull.head.commit.slice(0, 8), seen.slice(0, 8))}</p>;
}

function stateOf(methods: readonly MergeMethod[] | undefined): string {
  if (methods === undefined) return s.pulls.asking;
  return methods.length === 0 ? s.merge.no_method : '';
}

/** How the API names the repository of a pull request: an errand of one names none. */
function whereOf({ repositories }: Task, { repo_url }: PullRequest): { repository?: string } {
  const key = repositories?.find((each) => each.repo_url === repo_url)?.key;
  return key === undefined ? {} : { repository: key };
}

type Obstacle = keyof typeof s.merge.not_yet;

/** Why a pull request is not offered to be merged; undefined: it is. The forge may refuse it for other reasons. */
function obstacle({ ended_at }: Task, { conflicts, checks }: PullRequest): Obstacle | undefined {
  if (ended_at === null) return 'at_work';
  if (conflicts === true) return 'conflicts';
  return checksVerdict(checks) === 'failed' ? 'checks' : undefined;
}
