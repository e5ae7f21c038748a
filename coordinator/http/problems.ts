import { randomUUID } from 'node:crypto';
import type { ExtendableContext, Next } from 'koa';
import { ErrandError, type ErrorCode } from '../../protocol/problem.ts';
import { toProblem } from '../../protocol/problem-document.ts';
import type { Logger } from '../base/logger.ts';
import { closeAfterUnreadBody } from './body.ts';
import { prefersHtml } from './prefers-html.ts';
import { answerWithPage } from './problem-page.ts';

/**
 * The outermost middleware: gives each request an id, logs how it ended, and turns whatever is thrown into a problem
 * document, or into a page for a browser. `onRefused` counts the codes. The response never contains the cause; the log
 * does, under the same `request_id`.
 */
export function answerProblems(logger: Logger, onRefused: (code: ErrorCode) => void) {
  return async (ctx: ExtendableContext, next: Next): Promise<void> => {
    const request_id = randomUUID();
    const started = performance.now();
    ctx.set('X-Request-Id', request_id);
    // The path alone: a query may hold a ticket.
    const path = ctx.req.url?.split('?', 1)[0]?.slice(0, 200);
    const log = logger.child({ request_id, method: ctx.method, path });
    try {
      requirePath(ctx);
      await next();
    } catch (thrown) {
      const error = known(thrown);
      onRefused(error.code);
      if (error.code === 'internal') log.error({ err: thrown }, 'request failed');
      else if (error.code === 'unavailable' && error.cause !== undefined)
        log.warn({ err: error.cause, detail: error.message }, 'request failed: unavailable');
      else log.debug({ err: thrown }, 'request refused');
      answer(ctx, error, request_id);
    }
    await closeAfterUnreadBody(ctx);
    log.debug({ status: ctx.status, ms: Math.round(performance.now() - started) }, 'request');
  };
}

/** Throws `invalid` for a target that the URL parser cannot read. */
function requirePath(ctx: ExtendableContext): string {
  try {
    return ctx.path;
  } catch (cause) {
    throw new ErrandError('invalid', 'The request target is not a valid path or URL.', { cause });
  }
}

function answer(ctx: ExtendableContext, error: ErrandError, request_id: string): void {
  const problem = toProblem(error, request_id);
  ctx.status = problem.status;
  ctx.set('Cache-Control', 'no-store');
  if (problem.status === 401) ctx.set('WWW-Authenticate', 'Bearer realm="errand"');
  if (error.retry_after_s !== undefined) ctx.set('Retry-After', String(error.retry_after_s));
  // A client of the API may say that it accepts HTML first, as Java's does. No browser sends a token of its own accord.
  const has_token = /^bearer /i.test(ctx.get('authorization'));
  if (prefersHtml(ctx) && !has_token) return answerWithPage(ctx, problem);
  ctx.body = JSON.stringify(problem);
  ctx.type = 'application/problem+json';
}

/** The error with a code of the API: any other error is `internal`. */
function known(error: unknown): ErrandError {
  if (error instanceof ErrandError) return error;
  return new ErrandError('internal', 'Something went wrong on the server.', { cause: error });
}
