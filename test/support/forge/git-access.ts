import type { IncomingMessage, ServerResponse } from 'node:http';
import { atLeast } from './world.ts';
import type { Actions } from './actions.ts';

/**
 * Lets git in as forges do: the password is a token, the name of the user does not matter. True: the request is
 * answered; false: git goes on.
 */
export function gitAccess(forge: Actions, request: IncomingMessage, response: ServerResponse, url: URL): boolean {
  const [, owner = '', repo = '', rest = ''] = /^\/([^/]+)\/([^/]+?)(?:\.git)?(\/.*)$/.exec(url.pathname) ?? [];
  const pushes = url.searchParams.get('service') === 'git-receive-pack' || rest === '/git-receive-pack';
  const here = forge.world.repository(owner, repo);
  const repository = here ?? forge.world.moved.get(`${owner}/${repo}`.toLowerCase());
  const password = passwordOf(request);
  const token = password === null ? null : forge.apps.token(password);
  if (token === undefined) return refuse(response, 401, 'Bad credentials');
  const permission = repository === undefined ? 'none' : forge.apps.permission(token, repository);
  if (repository === undefined || permission === 'none' || (token === null && pushes))
    return token === null
      ? refuse(response, 401, 'Authentication required')
      : refuse(response, 404, 'Repository not found.');
  if (pushes && !atLeast(permission, 'write'))
    return refuse(response, 403, `Permission to ${owner}/${repo}.git denied to ${token?.person?.login ?? 'the app'}.`);
  const path = `/${repository.owner.login}/${repository.name}.git${rest}${url.search}`;
  if (here === undefined) {
    response.writeHead(301, { location: forge.origin + path }).end();
    return true;
  }
  const by = token?.person ?? token?.app?.bot;
  if (rest === '/git-receive-pack' && by !== undefined)
    response.once('finish', () => void forge.pushed(repository, by).catch(() => {}));
  request.url = path;
  return false;
}

function passwordOf({ headers }: IncomingMessage): string | null {
  const basic = /^basic (.+)$/i.exec(headers.authorization ?? '')?.[1];
  return basic === undefined
    ? null
    : Buffer.from(basic, 'base64')
        .toString()
        .replace(/^[^:]*:/, '');
}

function refuse(response: ServerResponse, status: number, message: string): boolean {
  const ask = status === 401 ? { 'www-authenticate': 'Basic realm="forge"' } : {};
  response.writeHead(status, { 'content-type': 'text/plain', ...ask }).end(message);
  return true;
}
