import type { IncomingMessage } from 'node:http';
import type { RouterContext } from '@koa/router';
import type { z } from 'zod';
import { EPOCH_HEADER } from '../../protocol/api.ts';
import { ErrandError, parse } from '../../protocol/problem.ts';
import type { Route } from '../../protocol/route.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { Client, Identity } from '../auth/identity.ts';
import type { ByteBudget } from '../base/byte-budget.ts';
import { hasBody } from '../base/json-body.ts';
import { appendAudit, type Audited } from '../sqlite/audit.ts';
import type { EventLog, Tx, WriteOptions } from '../sqlite/event-log.ts';
import { clientOf, requireOperator, requireUser } from './authentication.ts';
import { readJsonBody } from './body.ts';
import { hashRequest, previousAnswer, readIdempotencyKey, writeOnce, type KeyedRequest } from './idempotency.ts';
import type { JsonText } from './json-text.ts';
import type { PersonRates } from './person-rates.ts';
import { requireScope } from './require-scope.ts';

/** What a route's schema for a part of the request gives; undefined if it has none. */
export type Parsed<R, Part extends string> = R extends { [P in Part]: infer S extends z.ZodType }
  ? z.output<S>
  : undefined;

type Fact = Pick<Audited, 'action' | 'subject' | 'detail'> & { user_id?: string };

/** A request of route `R`, parsed by the route's schemas. */
export type Call<R> = {
  params: Parsed<R, 'params'>;
  query: Parsed<R, 'query'>;
  body: Parsed<R, 'body'>;
  /** Who asks; undefined on routes that anyone may call. */
  who: R extends { auth: 'user' } ? Identity : undefined;
  client: Client;
  /**
   * The scheme and host that the request was sent to, such as `https://errand.example.org`. The host is the server's
   * own.
   */
  origin: string;
  /** The request itself, with the body of a route that takes bytes. */
  request: IncomingMessage;
  /** Throws `unauthenticated` if the log-in has ended, or the account was deleted, since the request came. */
  requireLiving: () => void;
  /**
   * Adds an entry about the caller to the audit log, in the transaction of what they do. Throws `rate_limited` for
   * whoever does too much that is recorded. `user_id`: the caller, where the body says who it is.
   */
  audit: (tx: Tx, fact: Fact) => void;
  /**
   * Acts in one transaction. On an `idempotent` route a repeat with the same Idempotency-Key gets the first answer.
   */
  write: <T>(act: (tx: Tx) => T, options?: WriteOptions) => T | JsonText;
  /** The same, once `prepare` has asked another server. A repeat does not prepare again. */
  writeAfter: <P, T>(prepare: () => Promise<P>, act: (tx: Tx, prepared: P) => T) => Promise<T | JsonText>;
};

export type CallDependencies = {
  /** What each address may send in bodies. */
  budget: ByteBudget;
  auth: { authenticator: Authenticator };
  rates: PersonRates;
  log: EventLog;
  /** Without a token the server has no operator. */
  config: { metrics_token: string | undefined };
  /** The database's epoch. */
  readonly epoch: string;
};

/** Reads what a route takes, in this order: who asks, the path, the query, the body. Rejects with the first refusal. */
export async function readCall(ctx: RouterContext, route: Route, deps: CallDependencies) {
  const { log, rates, config, epoch } = deps;
  const { authenticator } = deps.auth;
  if (route.auth === 'operator') requireOperator(ctx, config.metrics_token);
  const who = route.auth === 'user' ? await requireUser(ctx, authenticator) : undefined;
  // On a refusal too: what is not found may be in another database.
  if (who) ctx.set(EPOCH_HEADER, epoch);
  if (who) requireScope(who, route.scope);
  const writes = route.method !== 'get' && route.method !== 'delete';
  if (who && writes) rates.writes.take(who.user_id);
  const params = route.params?.safeParse(ctx.params);
  // A malformed id is answered like an unknown one.
  if (params?.success === false) throw new ErrandError('not_found', 'There is nothing at this address.');
  const query = route.query && parse(route.query, { ...ctx.query }, 'The query');
  const body = route.body && parse(route.body, await readRouteBody(ctx, route.body, deps.budget), 'The body');
  // While the body was being read, the log-in may have ended, or the account may have been deleted.
  const requireLiving = (): void => {
    if (who) authenticator.requireLiving(who);
  };
  if (route.body) requireLiving();
  const keyed = who && keyedRequest(ctx, route, who, body);
  const write = <T>(act: (tx: Tx) => T, options?: WriteOptions): T | JsonText =>
    keyed ? writeOnce(log, keyed, act, options) : log.write(act, options);
  const client = clientOf(ctx);
  return {
    params: params?.data,
    query,
    body,
    who,
    client,
    origin: `${ctx.protocol}://${ctx.req.headers.host ?? 'localhost'}`,
    request: ctx.req,
    requireLiving,
    audit: (tx: Tx, { detail, user_id = who?.user_id, ...fact }: Fact): void => {
      if (user_id !== undefined && writes) rates.audited.take(user_id);
      const by = who?.scopes && { token: who.session };
      appendAudit(tx.db, {
        ...fact,
        user_id: user_id ?? null,
        address: client.address,
        detail: { ...detail, ...by },
      });
    },
    write,
    writeAfter: async <P, T>(prepare: () => Promise<P>, act: (tx: Tx, prepared: P) => T): Promise<T | JsonText> => {
      const before = keyed && previousAnswer(log.db, keyed);
      if (before) return before;
      const prepared = await prepare();
      requireLiving();
      return write((tx) => act(tx, prepared));
    },
  };
}

/** The body as it was sent; undefined if there is none and the route needs none. */
async function readRouteBody(ctx: RouterContext, schema: z.ZodType, budget: ByteBudget): Promise<unknown> {
  return schema.isOptional() && !hasBody(ctx.req) ? undefined : readJsonBody(ctx, budget);
}

function keyedRequest(ctx: RouterContext, route: Route, who: Identity, body: unknown): KeyedRequest | undefined {
  const key = route.idempotent ? readIdempotencyKey(ctx.req.headers['idempotency-key']?.toString()) : undefined;
  if (key === undefined) return undefined;
  return {
    user_id: who.user_id,
    key,
    request_hash: hashRequest(ctx.method, route.same_as ?? ctx.path, body),
    status: route.status,
  };
}
