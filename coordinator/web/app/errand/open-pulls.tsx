import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { PullCreate, PullRequest } from '../../../../protocol/pulls.ts';
import { pullTitleOf } from '../../../../protocol/pull-title.ts';
import type { Task } from '../../../../protocol/task.ts';
import { bringIntoSight } from '../../parts/bring-into-sight.ts';
import { useSession } from '../../parts/context.ts';
import { Sheet } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { repositoryAddress } from '../../parts/words.ts';
import { refusalWords } from '../refusal-words.ts';
import { s } from '../screen-speech.ts';
import { TokenLinks } from './token-links.tsx';

/** `repositories`: their addresses. */
type OpenPullsProps = { task: Task; repositories: readonly string[] };

/** Opens the pull requests of an errand, after a look at what others will see. */
export function OpenPulls({ task, repositories }: OpenPullsProps): JSX.Element {
  const asks = useSignal(false);
  const label = s.pulls.open_of(repositories.length);
  const close = (): void => {
    asks.value = false;
  };
  return (
    <Ask task={task} about={repositories} label={label} onTouch={() => (asks.value = true)}>
      {(open) =>
        asks.value && (
          <Sheet label={label} onClose={close}>
            <h2>{label}</h2>
            <p class="about" dir="auto">
              {pullTitleOf(task)}
            </p>
            <ul>
              {repositories.map((url) => (
                <li key={url}>{repositoryAddress(url)}</li>
              ))}
            </ul>
            {(['ready', 'draft'] as const).map((kind) => (
              <button
                key={kind}
                type="button"
                class="choice"
                onClick={() => {
                  close();
                  open({ draft: kind === 'draft' });
                }}
              >
                {s.pulls.kinds[kind]}
              </button>
            ))}
            <button type="button" class="choice" onClick={close}>
              {t.cancel}
            </button>
          </Sheet>
        )
      }
    </Ask>
  );
}

/** Asks once more for a pull request that was not opened, as it was asked for. */
export function AskAgain({ task, pull }: { task: Task; pull: PullRequest }): JSX.Element {
  const key = task.repositories?.find(({ repo_url }) => repo_url === pull.repo_url)?.key;
  const wish = { draft: pull.draft, author: pull.wished_author, ...(key !== undefined && { repository: key }) };
  return <Ask task={task} about={[pull.repo_url]} label={s.pulls.again} onTouch={(open) => open(wish)} />;
}

type Open = (wish: PullCreate) => void;
type AskProps = {
  task: Task;
  /** The addresses of the repositories that get one. */
  about: readonly string[];
  label: string;
  onTouch: (open: Open) => void;
  children?: (open: Open) => JSX.Element | false;
};

/** Asks the server for a pull request. What comes of it shows by itself. */
function Ask({ task, about, label, onTouch, children }: AskProps): JSX.Element {
  const { client } = useSession();
  const fault = useSignal('');
  const asking = useSignal(false);
  const open = (wish: PullCreate): void => {
    asking.value = true;
    fault.value = '';
    client
      .call('openPull', { params: { id: task.id }, body: wish })
      .catch((error: unknown) => (fault.value = refusalWords(error)))
      .finally(() => (asking.value = false));
  };
  return (
    <>
      <button type="button" class="choice" disabled={asking.value} onClick={() => onTouch(open)}>
        {asking.value ? s.pulls.asking : label}
      </button>
      {children?.(open)}
      {fault.value !== '' && (
        <div ref={bringIntoSight}>
          <p class="fault" role="alert">
            {fault.value}
          </p>
          <TokenLinks task={task} about={about} />
        </div>
      )}
    </>
  );
}
