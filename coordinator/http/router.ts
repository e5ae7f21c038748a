import { Router, type RouterContext } from '@koa/router';
import { ErrandError } from '../../protocol/problem.ts';
import type { Route } from '../../protocol/route.ts';
import { ROUTE_NAMES, ROUTES, type RouteName } from '../../protocol/routes.ts';
import { readCall, type Call, type CallDependencies, type Parsed } from './call.ts';
import { FileAnswer } from './file-answer.ts';
import { JsonText } from './json-text.ts';

type ResponseBody<R> = R extends { media_type: string } ? string | FileAnswer : Parsed<R, 'response'> | JsonText;
type Handler<R> = (call: Call<R>) => ResponseBody<R> | Promise<ResponseBody<R>>;

/** A handler for each route of the table. */
export type Handlers = { [N in RouteName]: Handler<(typeof ROUTES)[N]> };

/** A router with every route of `ROUTES`, and no other: the table and the server cannot differ. */
export function createRouter(handlers: Handlers, dependencies: CallDependencies): Router {
  const router = new Router();
  for (const name of ROUTE_NAMES) {
    const route: Route = ROUTES[name];
    // Each handler fits its own route; the loop over all of them cannot say so.
    const handler = handlers[name] as Handler<unknown>;
    router[route.method](route.path, async (ctx) => {
      ctx.set('Cache-Control', cacheControl(route));
      if (route.auth === 'user') ctx.vary('Authorization');
      const call = await readCall(ctx, route, dependencies);
      const answer = await handler(call as unknown as Call<unknown>);
      ctx.status = route.status;
      if (route.status === 204) return;
      if (answer instanceof FileAnswer) return answer.send(ctx);
      if (route.media_type !== undefined) ctx.body = answer;
      else ctx.body = answer instanceof JsonText ? answer.text : JSON.stringify(answer);
      ctx.type = route.media_type ?? 'application/json';
    });
  }
  return router;
}

/** A client may keep what it has read, for itself, and must ask each time whether it is still right. */
function cacheControl({ method, auth, response }: Route): string {
  if (method !== 'get' || auth === 'operator' || (auth === 'none' && response)) return 'no-store';
  return auth === 'user' ? 'private, no-cache' : 'no-cache';
}

/** Answers what no route did: OPTIONS and a wrong method with the methods of the address, all else with `not_found`. */
export async function answerUnmatched(ctx: RouterContext, next: () => Promise<unknown>): Promise<void> {
  await next();
  if (ctx.status !== 404 || ctx.body !== undefined) return;
  const methods = new Set(ctx.matched?.flatMap((layer) => layer.methods));
  if (methods.size === 0) throw new ErrandError('not_found', 'There is nothing at this address.');
  ctx.set('Allow', [...methods, 'OPTIONS'].join(', '));
  if (ctx.method !== 'OPTIONS')
    throw new ErrandError('method_not_allowed', `${ctx.method} is not served at this address.`);
  ctx.status = 204;
}
