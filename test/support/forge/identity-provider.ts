import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import type { Ends } from '../folder.ts';
import { PATIENT } from '../patient-server.ts';

type Claims = { email?: string; email_verified?: boolean; preferred_username?: string };

export type IdentityProviderStandIn = {
  issuer: string;
  host: string;
  client_id: string;
  client_secret: string;
  /** The people it knows, by their subject. */
  people: Map<string, Claims>;
  /** Logs in there and agrees, as a browser does; gives the query that the browser comes back with. */
  agree: (url: string, subject: string) => Promise<string>;
};

/** A real OpenID provider, with its own pages to log in and to agree. `path`: what follows the host in its name. */
export async function startIdentityProvider(
  t: Ends,
  redirect_uri: string,
  path = '',
): Promise<IdentityProviderStandIn> {
  const http = createServer(PATIENT);
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const host = `127.0.0.1:${(http.address() as AddressInfo).port}`;
  const issuer = `http://${host}${path}`;
  const people = new Map<string, Claims>();
  const [client_id, client_secret] = ['errand', 'the-secret-of-errand-at-its-provider'];
  const provider = new Provider(issuer, {
    clients: [{ client_id, client_secret, redirect_uris: [redirect_uri] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username'] },
    pkce: { required: () => true },
    cookies: { keys: ['a key for cookies'] },
    findAccount: (_ctx: unknown, sub: string) => ({
      accountId: sub,
      claims: () => Promise.resolve({ sub, ...people.get(sub) }),
    }),
  });
  const callback = provider.callback();
  const mounted = path.replace(/\/$/, '');
  http.on('request', (request, response) => {
    const url = request.url ?? '';
    // As Express does: the provider finds its addresses by what is missing.
    Object.assign(request, { originalUrl: url, url: url.startsWith(mounted) ? url.slice(mounted.length) : url });
    callback(request, response);
  });
  t.teardown(() => {
    http.closeAllConnections();
    http.close();
  });
  const agree = (url: string, subject: string) => walk(url, subject, redirect_uri);
  return { issuer, host, client_id, client_secret, people, agree };
}

/** Follows the pages of the provider until it leads back. */
async function walk(start: string, subject: string, redirect_uri: string): Promise<string> {
  const cookies = new Map<string, string>();
  let next: { url: string; form?: URLSearchParams } = { url: start };
  for (let steps = 0; steps < 20; steps++) {
    const response = await fetch(next.url, {
      method: next.form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(next.form && { body: next.form }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location?.startsWith(redirect_uri) === true) return new URL(location).search;
    if (location !== null) next = { url: new URL(location, next.url).href };
    else {
      const page = await response.text();
      const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1];
      if (action === undefined) throw new Error(`${response.status}: ${page.slice(0, 500)}`);
      const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1] ?? '';
      next = {
        url: new URL(action, next.url).href,
        form: new URLSearchParams({ prompt, login: subject, password: 'x' }),
      };
    }
  }
  throw new Error('The provider does not lead back.');
}
