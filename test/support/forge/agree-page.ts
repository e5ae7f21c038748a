import type { World } from './world.ts';

/** The page where a person lets an application in, as whom the test chooses. */
export function agreePage(world: World, app_name: string, query: URLSearchParams): string {
  const links = world.people
    .filter(({ type }) => type === 'User')
    .map(({ login }) => `<p><a href="?${query.toString()}&as=${login}">Authorize as ${login}</a></p>`);
  const title = `Authorize ${app_name}`;
  return `<title>${title}</title>${links.join('')}<p><a href="?${query.toString()}&deny=1">Cancel</a></p>`;
}
