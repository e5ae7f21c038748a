import type { ExtendableContext, Next } from 'koa';
import { prefersHtml } from './prefers-html.ts';

/** A file of the app. `brotli`: the same, compressed. `immutable`: its name changes with its content. */
type WebFile = {
  body: Buffer;
  brotli: Buffer | undefined;
  type: string;
  etag: string;
  immutable: boolean;
};

/**
 * The app in the browser: its files by path, and the page at each of its addresses; undefined: it is no address of the
 * app.
 */
export type WebApp = {
  files: ReadonlyMap<string, WebFile>;
  pageAt: (path: string) => WebFile | undefined;
};

/**
 * The page may load what comes from this server, and nothing else. No text can become a script. Forms go to `forms_to`
 * alone: the forges where the owner makes an app, and back.
 */
const policy = (forms_to: string[]) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'self'",
    ['form-action', "'self'", ...forms_to].join(' '),
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types errand',
  ].join('; ');

/** Headers that browsers apply only to a page. */
const PAGE_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
};

/**
 * Middleware that serves the app: its files, and its page to whoever asks an address of the app for HTML. Everything
 * else is left to the API. `forms_to`: the only other origins that forms of the page may go to.
 */
export function webApp({ files, pageAt }: WebApp, forms_to: string[]) {
  const page_policy = policy(forms_to);
  return async (ctx: ExtendableContext, next: Next): Promise<void> => {
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return next();
    const page = prefersHtml(ctx) ? pageAt(ctx.path) : undefined;
    const file = files.get(ctx.path) ?? page;
    if (!file) return next();
    ctx.set('Cross-Origin-Resource-Policy', 'same-origin');
    // The page's own files load nothing by themselves: the policy of all other answers holds for them, and is short.
    if (!file.immutable) ctx.set('Content-Security-Policy', page_policy);
    if (file === page) {
      ctx.set(PAGE_HEADERS);
      ctx.vary('Accept');
    }
    send(ctx, file);
  };
}

function send(ctx: ExtendableContext, { body, brotli, type, etag, immutable }: WebFile): void {
  ctx.vary('Accept-Encoding');
  ctx.set('ETag', etag);
  ctx.set('Cache-Control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  ctx.status = 200;
  ctx.type = type;
  if (ctx.fresh) {
    ctx.status = 304;
    return;
  }
  const compressed = brotli !== undefined && ctx.acceptsEncodings('br', 'identity') === 'br';
  if (compressed) ctx.set('Content-Encoding', 'br');
  ctx.body = compressed ? brotli : body;
}
