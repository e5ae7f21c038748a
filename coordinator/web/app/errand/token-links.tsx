import type { JSX } from 'preact';
import type { Task } from '../../../../protocol/task.ts';
import { pathOf } from '../../store/routes.ts';
import { s } from '../screen-speech.ts';

/** Where the token goes that a pull request may lack. */
export function TokenLinks({ task: { project_id } }: { task: Task }): JSX.Element {
  return (
    <p>
      <a href={project_id === null ? pathOf('projects') : pathOf('project', { id: project_id })}>
        {s.pulls.project_token}
      </a>
      {' · '}
      <a href={pathOf('accounts')}>{s.accounts.title}</a>
    </p>
  );
}
