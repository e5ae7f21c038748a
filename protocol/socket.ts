import { z } from 'zod';
import { Delta, LogEvent } from './events.ts';
import { Id, Time } from './ids.ts';
import { TaskStatus, WaitingFor } from './task.ts';

/*
 * The client's socket, `WS /ws/:user_id`.
 *
 * Who calls is told without a token in the URL: by the subprotocols `errand.v1` and `bearer.<access token>`, or by `?ticket=` with a
 * one-time ticket of `POST /ws-ticket`. The server answers with the subprotocol `errand.v1` alone.
 *
 * An upgrade to another path, or one that is malformed, is refused over HTTP: 404 or 400, with a problem document. Whoever may not have the
 * socket gets it closed at once with a code of `CLOSE`, since a browser does not show its page the status of a refused upgrade.
 *
 *   server  hello      the newest cursor, and the database's epoch
 *   client  subscribe  after: its cursor; task_id: the one task whose deltas it wants, if any
 *   server  events …   what is newer than the cursor, from the log
 *   server  caught_up
 *   server  state …    how each task that a worker is at stands now
 *   server  events, state, delta …   live
 *
 * Only `events` moves a cursor: keep the `id` of the last event, and subscribe with it after a cut. `state` and `delta` are passing: the
 * next one replaces a state, an event replaces deltas. A client whose known epoch differs from the hello's has a cursor of another
 * database: it starts from `GET /tasks`. (Over HTTP a header of each answer names the epoch.) Another `subscribe` on the same socket changes
 * the task of the deltas, and replays from `after`.
 *
 * A client that reads too slowly gets no live frames for a while and is fed from the log at its own pace, with another `caught_up` at the
 * end. Deltas are not made up for.
 */

export const SUBPROTOCOL = 'errand.v1';
/** The prefix of the subprotocol that carries the access token. */
export const BEARER_SUBPROTOCOL_PREFIX = 'bearer.';

export const ClientFrame = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('subscribe'),
    /** The id of the last event that the client has; 0 for everything. */
    after: z.number().int().nonnegative(),
    task_id: Id.optional(),
  }),
]);
export type ClientFrame = z.infer<typeof ClientFrame>;

export const ServerFrame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), cursor: z.number().int().nonnegative(), epoch: z.string(), at: Time }),
  /** Durable: rows of the log, ids ascending, of any of the user's tasks. */
  z.object({ type: z.literal('events'), events: z.array(LogEvent) }),
  z.object({ type: z.literal('caught_up'), cursor: z.number().int().nonnegative() }),
  /** Transient: how a task stands now. */
  z.object({ type: z.literal('state'), task_id: Id, status: TaskStatus, waiting_for: WaitingFor.nullable() }),
  z.object({ type: z.literal('delta'), task_id: Id, attempt: z.number().int(), deltas: z.array(Delta) }),
  /** The client's frame was not understood; the socket stays open. */
  z.object({ type: z.literal('error'), code: z.string(), message: z.string() }),
  /** The server is stopping: come back soon with the same cursor. */
  z.object({ type: z.literal('bye'), reason: z.string() }),
]);
export type ServerFrame = z.infer<typeof ServerFrame>;

/** Why the server closed a socket. */
export const CLOSE = {
  /** 1001 of RFC 6455: the server is stopping. */
  going_away: 1001,
  /** 1011 of RFC 6455: something went wrong on the server. */
  failed: 1011,
  bad_frame: 4400,
  unauthenticated: 4401,
  not_found: 4404,
  /** The client was behind for too long. */
  too_slow: 4408,
  /** Too many sockets of one user. */
  too_many: 4429,
} as const;
