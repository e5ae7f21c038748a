import type { ExtendableContext } from 'koa';

/** Whether a browser asks for a page. A client of the API accepts anything, and gets the answer of the API. */
export function prefersHtml(ctx: ExtendableContext): boolean {
  return (ctx.method === 'GET' || ctx.method === 'HEAD') && ctx.accepts('json', 'html') === 'html';
}
