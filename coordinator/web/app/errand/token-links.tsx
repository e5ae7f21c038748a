import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { isSameRepository } from '../../../../protocol/repository-identity.ts';
import type { Task } from '../../../../protocol/task.ts';
import { SAMPLE_REPO_URL } from '../../../../protocol/without-schemas.ts';
import { useSession } from '../../parts/context.ts';
import { pathOf } from '../../store/routes.ts';
import { s } from '../screen-speech.ts';

/** `about`: the addresses of the repositories that it may be lacked for; absent: all of the errand. */
type TokenProps = { task: Task; about?: readonly string[] };

/** Where the token goes that an errand may lack: the project of its repository, or a new one, or a linked account. */
export function TokenLinks({ task, about }: TokenProps): JSX.Element | null {
  const session = useSession();
  useEffect(() => void session.readProjects(), [session]);
  const places = (task.repositories ?? [task]).filter((one) => about?.includes(one.repo_url) ?? true);
  const { repo_url, project_id } = places.find((one) => one.project_id === null) ?? places[0] ?? task;
  // It may have been made since: the next attempt takes it.
  const made = session.projects.value?.find((project) => isSameRepository(project.repo_url, repo_url));
  const id = project_id ?? made?.id;
  if (repo_url === SAMPLE_REPO_URL) return null;
  return (
    <p class="token-links">
      {id === undefined ? (
        <a href={`${pathOf('new_project')}?${new URLSearchParams({ repo: repo_url }).toString()}`}>
          {s.pulls.new_project}
        </a>
      ) : (
        <a href={pathOf('project', { id })}>{s.pulls.project_token}</a>
      )}
      {' · '}
      <a href={pathOf('accounts')}>{s.accounts.title}</a>
    </p>
  );
}

/** Whether it failed at a repository, as it does for want of a token. */
export function mayLackToken({ status, reason }: Task): boolean {
  return status === 'failed' && (reason === 'repository_not_found' || reason === 'push_rejected');
}
