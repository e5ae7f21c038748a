import type { JSX } from 'preact';
import { ReadState } from '../../parts/read-state.tsx';
import { Screen } from '../../parts/screen.tsx';
import { repositoryAddress } from '../../parts/words.ts';
import { pathOf } from '../../store/routes.ts';
import { s } from '../screen-speech.ts';
import { useProjects } from './use-projects.ts';

/** The projects: repositories with their defaults. */
export function ProjectsScreen(): JSX.Element {
  const { projects, fault } = useProjects();
  return (
    <Screen title={s.project.title} parent={{ name: 'settings' }}>
      <div class="body settings">
        {!projects && <ReadState known={false} fault={fault} />}
        {projects?.length === 0 && <p class="empty">{s.project.empty}</p>}
        <ul class="rows places">
          {projects?.map(({ id, name, repo_url, verify_command }) => (
            <li key={id}>
              <a class="link-row" href={pathOf('project', { id })}>
                <span>
                  <b dir="auto">{name}</b>
                  <small>
                    {[
                      repositoryAddress(repo_url),
                      ...(verify_command === null ? [] : [s.project.checks_with(verify_command)]),
                    ].join(' · ')}
                  </small>
                </span>
              </a>
            </li>
          ))}
        </ul>
        <a class="primary" href={pathOf('new_project')}>
          {s.project.add}
        </a>
      </div>
    </Screen>
  );
}
