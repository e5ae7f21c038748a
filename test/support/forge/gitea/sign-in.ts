import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { agreePage } from '../agree-page.ts';
import type { App } from '../apps.ts';
import type { Person } from '../world.ts';
import type { Gitea } from './gitea.ts';

type Code = { person: Person; challenge: string; redirect_uri: string };

/**
 * Adds Gitea's OAuth2 provider to the stand-in, with one application. `as` in the address says who agrees, `deny` that
 * they do not; else a page asks.
 */
export function addSignIn(gitea: Gitea, redirect_uri: string): App {
  const app = gitea.apps.addApp(gitea.world.addPerson('admin'), { name: 'Errand', callback_urls: [redirect_uri] });
  const codes = new Map<string, Code>();
  gitea.intercept = async (request, response) => {
    const url = new URL(request.url ?? '/', gitea.origin);
    if (url.pathname === '/login/oauth/authorize') return authorize(gitea, { app, codes }, url, response);
    if (url.pathname === '/login/oauth/access_token') return token(gitea, app, codes, request, response);
    return false;
  };
  return app;
}

function authorize(
  { world }: Gitea,
  { app, codes }: { app: App; codes: Map<string, Code> },
  { searchParams }: URL,
  response: ServerResponse,
): true {
  const redirect_uri = searchParams.get('redirect_uri') ?? '';
  if (searchParams.get('client_id') !== app.client_id || searchParams.get('response_type') !== 'code')
    return page(response, 400, 'Client ID not registered');
  if (!app.callback_urls.includes(redirect_uri)) return page(response, 400, 'Unregistered Redirect URI');
  const back = new URL(redirect_uri);
  const state = searchParams.get('state') ?? '';
  if (searchParams.has('deny')) {
    back.search = new URLSearchParams({ error: 'access_denied', state }).toString();
    response.writeHead(303, { location: back.href }).end();
    return true;
  }
  const person = world.person(searchParams.get('as') ?? '');
  if (!person) return page(response, 200, agreePage(world, app.name, searchParams));
  const code = randomBytes(16).toString('hex');
  codes.set(code, { person, redirect_uri, challenge: searchParams.get('code_challenge') ?? '' });
  back.search = new URLSearchParams({ code, state }).toString();
  response.writeHead(303, { location: back.href }).end();
  return true;
}

function page(response: ServerResponse, status: number, html: string): true {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(html);
  return true;
}

async function token(
  gitea: Gitea,
  app: App,
  codes: Map<string, Code>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<true> {
  const fields = new URLSearchParams(await text(request));
  const person =
    fields.get('client_secret') !== app.client_secret
      ? undefined
      : fields.get('grant_type') === 'refresh_token'
        ? personOfRefresh(gitea, fields.get('refresh_token') ?? '')
        : personOfCode(codes, fields);
  // An application at Gitea reaches all that its person may see.
  if (person) gitea.apps.install(app, person);
  const made = person && gitea.apps.userToken(person, app);
  const answer = made
    ? { access_token: made.value, token_type: 'bearer', expires_in: 3600, refresh_token: made.refresh?.value }
    : { error: 'unauthorized_client', error_description: 'client is not authorized' };
  response.writeHead(made ? 200 : 400, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  return true;
}

function personOfCode(codes: Map<string, Code>, fields: URLSearchParams): Person | undefined {
  const found = codes.get(fields.get('code') ?? '');
  codes.delete(fields.get('code') ?? '');
  const challenge = createHash('sha256')
    .update(fields.get('code_verifier') ?? '')
    .digest('base64url');
  const fits = found?.challenge === challenge && found.redirect_uri === fields.get('redirect_uri');
  return fits ? found.person : undefined;
}

function personOfRefresh({ apps }: Gitea, refresh_token: string): Person | undefined {
  const old = apps.tokens.find(({ refresh }) => refresh?.value === refresh_token);
  if (!old || old.revoked) return undefined;
  old.revoked = true;
  return old.person ?? undefined;
}
