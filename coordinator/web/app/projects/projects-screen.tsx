import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useSession } from '../../parts/context.ts';
import { Screen } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { repositoryAddress } from '../../parts/words.ts';
import { pathOf } from '../../store/routes.ts';

/** The projects: repositories with their defaults. */
export function ProjectsScreen(): JSX.Element {
  const session = useSession();
  const projects = session.projects.value;
  useEffect(() => void session.readProjects(), [session]);
  return (
    <Screen title={t.project.title} parent={{ name: 'settings' }}>
      <div class="body settings">
        {projects?.length === 0 && <p class="empty">{t.project.empty}</p>}
        <ul class="rows places">
          {projects?.map(({ id, name, repo_url, verify_command }) => (
            <li key={id}>
              <a class="link-row" href={pathOf('project', { id })}>
                <span>
                  <b>{name}</b>
                  <small>
                    {[
                      repositoryAddress(repo_url),
                      ...(verify_command === null ? [] : [t.project.checks_with(verify_command)]),
                    ].join(' · ')}
                  </small>
                </span>
              </a>
            </li>
          ))}
        </ul>
        <a class="primary" href={pathOf('new_project')}>
          {t.project.add}
        </a>
      </div>
    </Screen>
  );
}
