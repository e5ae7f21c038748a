import { createHash, timingSafeEqual } from 'node:crypto';
import { Router, type RouterContext } from '@koa/router';
import type { z } from 'zod';
import { EPOCH_HEADER } from '../../protocol/api.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError, parse } from '../../protocol/problem.ts';
import type { Route } from '../../protocol/route.ts';
import { ROUTE_NAMES, ROUTES, type RouteName } from '../../protocol/routes.ts';
import type { Auth } from '../auth/auth.ts';
import type { Client, Identity } from '../auth/identity.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import { hasBody } from '../base/json-body.ts';
import { readJsonBody } from './body.ts';
import { actOnce, idempotencyKey, JsonText, previousAnswer, requestHash, type Keyed } from './once.ts';

type Parsed<R, K extends string> = R extends { [P in K]: infer S extends z.ZodType } ? z.output<S> : undefined;

/** A request of route `R`, parsed by the route's schemas. */
type Call<R> = {
  params: Parsed<R, 'params'>;
  query: Parsed<R, 'query'>;
  body: Parsed<R, 'body'>;
  /** Who asks; undefined on routes that anyone may call. */
  who: R extends { auth: 'user' } ? Identity : undefined;
  /** Where it comes from. */
  client: Client;
  /** Acts in one transaction; a repeat with the same Idempotency-Key gets the first answer. For routes marked `idempotent`. */
  once: <T>(act: (tx: Tx) => T) => T | JsonText;
  /** The same for what another server is asked first. `prepare` runs before the transaction, and not for a repeat. */
  onceAfter: <P, T>(prepare: () => Promise<P>, act: (tx: Tx, prepared: P) => T) => Promise<T | JsonText>;
};
type Answer<R> = R extends { media_type: string } ? string : Parsed<R, 'response'> | JsonText;
type Handler<R> = (call: Call<R>) => Answer<R> | Promise<Answer<R>>;

/** What serves each route of the table. */
export type Handlers = { [N in RouteName]: Handler<(typeof ROUTES)[N]> };

/** What all routes rest on. `epoch`: the database's. `metrics_token`: what the operator bears; undefined where nobody is the operator. */
type Deps = {
  auth: Pick<Auth, 'authenticator'>;
  log: EventLog;
  config: { metrics_token: string | undefined };
  readonly epoch: string;
};

/** The longest text of an IPv6 address with a zone; what a proxy reports could be longer. */
const ADDRESS_CHARS_MAX = 64;

/** Mounts every route of `ROUTES`, and nothing else, so that the table and the server cannot differ. */
export function bindRoutes(handlers: Handlers, deps: Deps): Router {
  const router = new Router();
  for (const name of ROUTE_NAMES) {
    const route: Route = ROUTES[name];
    // Each handler fits its own route; the loop over all of them cannot say so.
    const handler = handlers[name] as Handler<unknown>;
    router[route.method](route.path, async (ctx) => {
      ctx.set('Cache-Control', 'no-store');
      const call = await readCall(ctx, route, deps);
      const answer = await handler(call as unknown as Call<unknown>);
      ctx.status = route.status;
      if (route.status === 204) return;
      if (route.media_type !== undefined) ctx.body = answer;
      else ctx.body = answer instanceof JsonText ? answer.text : JSON.stringify(answer);
      ctx.type = route.media_type ?? 'application/json';
    });
  }
  return router;
}

/** Reads what a route takes: who, the path, the query, the body, in this order, and nothing of what it does not. */
async function readCall(ctx: RouterContext, route: Route, { auth, log, config, epoch }: Deps) {
  if (route.auth === 'operator') requireOperator(ctx, config.metrics_token);
  const who = route.auth === 'user' ? await requireUser(ctx, auth) : undefined;
  // On a refusal too: what is not found may be of another database.
  if (who) ctx.set(EPOCH_HEADER, epoch);
  const params = route.params?.safeParse(ctx.params);
  // An id that cannot be one is like one that is not there.
  if (params?.success === false) throw new ErrandError('not_found', 'There is nothing at this address.');
  const query = route.query && parse(route.query, { ...ctx.query }, 'The query');
  const body = route.body && parse(route.body, await readBody(ctx, route.body), 'The body');
  // While the body came the log-in may have ended, and with it the account: whoever that was does nothing any more.
  if (who && route.body) auth.authenticator.requireLiving(who);
  const key = route.idempotent ? idempotencyKey(ctx.req.headers['idempotency-key']?.toString()) : undefined;
  const keyed: Keyed | undefined =
    key === undefined || who === undefined
      ? undefined
      : { user_id: who.user_id, key, request_hash: requestHash(ctx.method, ctx.path, body), status: route.status };
  const once = <T>(act: (tx: Tx) => T): T | JsonText => (keyed ? actOnce(log, keyed, act) : log.write(act));
  return {
    params: params?.data,
    query,
    body,
    who,
    client: clientOf(ctx),
    once,
    onceAfter: async <P, T>(prepare: () => Promise<P>, act: (tx: Tx, prepared: P) => T): Promise<T | JsonText> => {
      const before = keyed && previousAnswer(log.db, keyed);
      if (before) return before;
      const prepared = await prepare();
      // The log-in may have ended meanwhile, as above.
      if (who) auth.authenticator.requireLiving(who);
      return once((tx) => act(tx, prepared));
    },
  };
}

/** The body as it was sent; undefined where there is none and the route needs none. */
async function readBody(ctx: RouterContext, schema: z.ZodType): Promise<unknown> {
  return schema.isOptional() && !hasBody(ctx.req) ? undefined : readJsonBody(ctx);
}

/** What a client says of itself is bounded, and has no control characters: it is shown on a terminal later. */
function clientOf(ctx: RouterContext): Client {
  const user_agent = ctx
    .get('User-Agent')
    .replace(/\p{Cc}/gu, '')
    .slice(0, LIMITS.user_agent_chars_max);
  return { address: ctx.ip.slice(0, ADDRESS_CHARS_MAX), user_agent: user_agent || null };
}

function bearerOf(ctx: RouterContext): string | undefined {
  return /^Bearer +([\w.~+/=-]+) *$/i.exec(ctx.get('Authorization'))?.[1];
}

function requireOperator(ctx: RouterContext, token: string | undefined): void {
  if (token === undefined) throw new ErrandError('not_found', 'There is nothing at this address.');
  const digest = (text: string) => createHash('sha256').update(text).digest();
  if (!timingSafeEqual(digest(bearerOf(ctx) ?? ''), digest(token)))
    throw new ErrandError('unauthenticated', "The operator's token is needed: Authorization: Bearer <token>.");
}

async function requireUser(ctx: RouterContext, { authenticator }: Deps['auth']): Promise<Identity> {
  const bearer = bearerOf(ctx);
  if (bearer === undefined)
    throw new ErrandError('unauthenticated', 'An access token is needed: Authorization: Bearer <token>.');
  return authenticator.authenticate(bearer);
}

/** Answers what no route did: OPTIONS and a wrong method with the methods that there are, all else with `not_found`. */
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
