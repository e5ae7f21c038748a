import { createHash } from 'node:crypto';
import type { ExtendableContext } from 'koa';
import type { Problem } from '../../protocol/problem-document.ts';

/** The colours are those of the app's theme. */
const STYLE = `:root{color-scheme:light dark;background:light-dark(#fbfaf8,#131418);color:light-dark(#1b1d24,#eeecea);font:1rem/1.5 ui-sans-serif,system-ui,sans-serif}
main{max-width:34rem;margin:15vh auto;padding:0 20px;overflow-wrap:anywhere}
h1{font-size:1.4rem;line-height:1.25}
a{color:light-dark(#2b4fa3,#9dbcff)}
small{opacity:.7}`;
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

type Words = { titles: Partial<Record<Problem['code'], string>>; failed: string; back: string; no_page: string };
const WORDS: Record<'en' | 'de', Words> = {
  en: {
    titles: {
      not_found: 'There is no such page',
      unauthenticated: 'This address is for programs',
      forbidden: 'Not allowed',
      internal: 'Something went wrong',
    },
    failed: 'This did not work',
    back: 'Go to the app',
    no_page: 'Perhaps its link was cut off or mistyped.',
  },
  de: {
    titles: {
      not_found: 'Diese Seite gibt es nicht',
      unauthenticated: 'Diese Adresse ist für Programme',
      forbidden: 'Nicht erlaubt',
      internal: 'Etwas ist schiefgegangen',
    },
    failed: 'Das hat nicht geklappt',
    back: 'Zur App',
    no_page: 'Vielleicht ist ihr Link abgeschnitten oder vertippt.',
  },
};

/** Answers a browser with a problem as a page for people, with the way to the app where it has one. */
export function answerWithPage(ctx: ExtendableContext, problem: Problem): void {
  const language = ctx.acceptsLanguages('en', 'de') === 'de' ? 'de' : 'en';
  const { titles, failed, back, no_page } = WORDS[language];
  const title = titles[problem.code] ?? failed;
  // The server's own words are English.
  const detail =
    problem.code === 'not_found'
      ? `<p>${no_page}</p>`
      : `<p lang="en">${escapeHtml(problem.detail ?? problem.title)}</p>`;
  // A host that the server does not answer to has no app either.
  const way = problem.code === 'forbidden' ? '' : `<p><a href="${wayToApp(ctx)}">${back}</a></p>\n`;
  ctx.vary('Accept');
  ctx.vary('Accept-Language');
  ctx.set('Content-Security-Policy', POLICY);
  ctx.type = 'text/html; charset=utf-8';
  ctx.body = `<!doctype html>
<html lang="${language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
<main>
<h1>${title}</h1>
${detail}
${way}<p><small>Errand, ${problem.status}, ${problem.request_id}</small></p>
</main>
</html>
`;
}

/** Relative: only a proxy knows where the app is as a whole. */
function wayToApp({ req }: ExtendableContext): string {
  const depth = (req.url ?? '/').replace(/[?#].*$/s, '').split('/').length - 2;
  return depth > 0 ? '../'.repeat(depth) : './';
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
