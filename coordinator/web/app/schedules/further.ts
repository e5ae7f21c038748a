import type { RepositoryChoice } from '../../../../protocol/repositories.ts';
import { readRepositoryText, repositoryText } from '../../../client/repository-text.ts';

type Named = { id: string; name: string };

/** Further repositories as a person types them, one a line: a project or an address, with its branches. */
export function furtherText(choices: readonly RepositoryChoice[], projects: readonly Named[]): string {
  return choices
    .map(({ repo_url, project_id = '', ...branches }) => {
      const name = projects.find(({ id }) => id === project_id)?.name ?? project_id;
      // Behind # are the branches.
      return repositoryText({ ...branches, place: repo_url ?? (name.includes('#') ? project_id : name) });
    })
    .join('\n');
}

/** The request's further repositories. What is no project is an address, which the server checks. */
export function readFurther(text: string, projects: readonly Named[]): RepositoryChoice[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const { place, ...branches } = readRepositoryText(line);
      const project = projects.find(({ id, name }) => id === place || name === place);
      return { ...(project ? { project_id: project.id } : { repo_url: place }), ...branches };
    });
}
