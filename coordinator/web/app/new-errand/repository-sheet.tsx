import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Project } from '../../../../protocol/api.ts';
import { SAMPLE_REPO_URL } from '../../../../protocol/task.ts';
import { useSession } from '../../parts/context.ts';
import { Sheet } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { repositoryAddress, repositoryName } from '../../parts/words.ts';
import { s } from '../screen-speech.ts';
import { PickedRepositories } from './picked-repositories.tsx';
import type { Fresh } from './fresh.ts';

const RECENT_MAX = 6;

export type OptionSheetProps = { fresh: Fresh; onChoose: (change: Partial<Fresh>) => void; onClose: () => void };

type Choice = { key: string; name: string; hint: string; change: Partial<Fresh> };

/** Where the work is to be done: a project, a repository of before, or an address. */
export function RepositorySheet({ fresh, onChoose, onClose }: OptionSheetProps): JSX.Element {
  const session = useSession();
  const query = useSignal('');
  const projects = session.projects.value ?? [];
  useEffect(() => void session.readProjects(), [session]);
  const word = query.value.trim();
  const found = choices(projects, session.tasks.value ?? []).filter(({ name, hint }) =>
    `${name} ${hint}`.toLowerCase().includes(word.toLowerCase()),
  );
  const known = new Set(projects.map(({ repo_url }) => repo_url));
  const is_address = /^(https?:\/\/|git@|errand:)|.\/./.test(word);
  const choose = (change: Partial<Fresh>): void => {
    onChoose({ project: undefined, repo_url: undefined, make_project: undefined, ...change });
    onClose();
  };
  return (
    <Sheet label={t.fresh.repository} onClose={onClose}>
      <h2>{t.fresh.repository}</h2>
      <label class="field">
        <span class="hidden">{t.fresh.search}</span>
        <input
          type="search"
          inputMode="url"
          autocapitalize="none"
          placeholder={t.fresh.search}
          onInput={({ currentTarget }) => (query.value = currentTarget.value)}
        />
      </label>
      {is_address && (
        <button type="button" class="choice main" onClick={() => choose({ repo_url: word })}>
          {t.fresh.use_address(repositoryAddress(word))}
        </button>
      )}
      <ul class="rows places">
        {found.map(({ key, name, hint, change }) => (
          <li key={key}>
            <button type="button" onClick={() => choose(change)}>
              <b>{name}</b>
              <span>{hint}</span>
            </button>
          </li>
        ))}
      </ul>
      <PickedRepositories
        search={word}
        known={known}
        onChoose={(repo_url) => choose({ repo_url, make_project: true })}
      />
      <Branches fresh={fresh} onChoose={onChoose} />
    </Sheet>
  );
}

/** What the work starts from, and where it is pushed to. */
function Branches({ fresh, onChoose }: Omit<OptionSheetProps, 'onClose'>): JSX.Element {
  return (
    <>
      <label class="field">
        <span>{t.fresh.branch}</span>
        <input
          defaultValue={fresh.base_branch ?? ''}
          placeholder={t.fresh.default_branch}
          autocapitalize="none"
          onInput={({ currentTarget: { value } }) => onChoose({ base_branch: value.trim() || undefined })}
        />
      </label>
      <label class="field">
        <span>{t.fresh.push_to}</span>
        <input
          defaultValue={fresh.push_to ?? ''}
          placeholder={t.fresh.own_branch}
          autocapitalize="none"
          onInput={({ currentTarget: { value } }) => onChoose({ push_to: value.trim() || undefined })}
        />
        <small>{t.fresh.push_to_hint}</small>
      </label>
    </>
  );
}

/** Projects, then the repositories of the last errands that belong to none, then the sample. */
function choices(projects: readonly Project[], tasks: readonly { repo_url: string }[]): Choice[] {
  const own = projects.map(({ id, name, repo_url, verify_command }): Choice => {
    const checks = verify_command === null ? [] : [s.project.checks_with(verify_command)];
    const hint = [repositoryAddress(repo_url), ...checks].join(' · ');
    return { key: id, name, hint, change: { project: { id, name } } };
  });
  const of_projects = new Set(projects.map(({ repo_url }) => repo_url));
  const recent = [...new Set(tasks.map(({ repo_url }) => repo_url))]
    .filter((url) => !of_projects.has(url) && url !== SAMPLE_REPO_URL)
    .slice(0, RECENT_MAX)
    .map((url): Choice => ({
      key: url,
      name: repositoryName(url),
      hint: repositoryAddress(url),
      change: { repo_url: url },
    }));
  const sample = { name: t.fresh.sample, hint: t.fresh.sample_hint, change: { repo_url: SAMPLE_REPO_URL } };
  return [...own, ...recent, { key: 'sample', ...sample }];
}
