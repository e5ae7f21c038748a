import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ExtendableContext, Next } from 'koa';
import { SAMPLE_REPO_URL } from '../../protocol/task.ts';
import { sourcePath } from '../base/source-path.ts';

/** Who can sign up: the first person, anyone, or nobody. */
export type SignupState = 'first' | 'open' | 'closed';

/** The step in which a person gets in: what to read, and what to type. */
type Entry = { note: string; words: (address: string) => string[] };

const LOGIN: Entry['words'] = (address) => ['login', '--server', address];
const ENTRY: Record<SignupState, Entry> = {
  first: {
    note:
      'Nobody has an account yet. When this server started, it printed a link with a one-time code. ' +
      'Whoever signs up with that link owns this server.',
    words: () => ['signup', 'THE-LINK-THAT-IT-PRINTED'],
  },
  open: { note: 'Log in. No account yet? Type <code>signup</code> and the address.', words: LOGIN },
  closed: { note: 'Log in. Sign-up is closed: the owner of this server can open it.', words: LOGIN },
};

/** A host name or an IP address, with or without a port. A Host header of any other form is not shown. */
const HOST = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?$/i;

/**
 * Middleware that answers a browser at `/` with what this server is and how to log in. A client that does not ask for
 * HTML gets the answer of the API. The page runs no script and loads nothing.
 */
export function landingPage(signupState: () => SignupState, public_url: string | undefined) {
  const style = readFileSync(sourcePath('coordinator/http/landing-page.css'), 'utf8');
  const style_hash = createHash('sha256').update(style).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${style_hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

  return async (ctx: ExtendableContext, next: Next): Promise<void> => {
    if (ctx.path !== '/' || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next();
    ctx.vary('Accept');
    if (ctx.accepts('json', 'html') !== 'html') return next();
    const address = public_url ?? requestedAddress(ctx);
    ctx.set('Content-Security-Policy', policy);
    ctx.set('Referrer-Policy', 'no-referrer');
    ctx.set('Cache-Control', 'no-store');
    ctx.body = page(style, address, ENTRY[signupState()]);
    ctx.type = 'html';
  };
}

/** The address that the request came to, if its Host header can be one. */
function requestedAddress({ host, secure }: ExtendableContext): string {
  return HOST.test(host) ? `${secure ? 'https' : 'http'}://${host}` : 'ADDRESS-OF-THIS-PAGE';
}

function page(style: string, address: string, { note, words }: Entry): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Errand</title>
<style>${style}</style>
<header>
<svg viewBox="0 0 36 36" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
<circle cx="9" cy="28" r="4"/><path d="M9 24V8M9 20c0-6 5-8 11-8h9M23 6l6 6-6 6"/></svg>
<h1>Errand</h1>
<span class="state">Server is running</span>
</header>
<main>
<p class="lead">Send this server a git repository and a sentence. A coding agent does the work, runs the tests and pushes a branch.</p>
<p class="quiet">You watch each step, say something while it works, and review the diff.</p>
<h2>Use it from the command line</h2>
<p class="quiet">There is no app in the browser yet.</p>
<ol>
<li><p>Get the command in a copy of Errand’s source. It needs git, npm and Linux.</p>
${command('npm', 'ci')}</li>
<li><p>${note}</p>
${command('npx', 'errand', ...words(address))}</li>
<li><p>Send the first errand. The sample is a small repository with a failing test.</p>
${command('npx', 'errand', 'task', '"Make the tests pass"', '--repo', SAMPLE_REPO_URL, '--follow')}</li>
</ol>
</main>
<footer>For programs: the <a href="/openapi.json">description of the API</a>.
For whoever runs it: <a href="/readyz">is the server ready?</a></footer>
</html>
`;
}

/** A command line; a tap selects all of it. Lines break between its words. */
function command(...words: string[]): string {
  return `<pre>${words.map((word) => `<span>${escapeHtml(word)}</span>`).join(' ')}</pre>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
