import { z } from 'zod';
import { Delta, LogEvent } from './events.ts';
import { Id, Time } from './ids.ts';
import { TaskStatus, WaitingFor } from './task.ts';

/*
 * The client's WebSocket, `WS /ws/:user_id`.
 *
 * The client authenticates without an access token in the URL: with the subprotocols `errand.v1` and `bearer.<access
 * token>`, or with `?ticket=` and a one-time ticket from `POST /ws-ticket`. The server selects the subprotocol
 * `errand.v1`.
 *
 * A malformed upgrade, or one to another path, is refused over HTTP: 400 or 404, with a problem document. An upgrade
 * without valid credentials is accepted and closed at once with a code of `CLOSE`, because a browser hides the status
 * of a refused upgrade from its page.
 *
 * The order of frames:
 *
 *   server  hello      the newest cursor, and the epoch of the database
 *   client  subscribe  after: the client's cursor; task_id: the one task whose deltas it wants, if any
 *   server  events …   the events after the cursor, from the log
 *   server  caught_up
 *   server  state …    the current state of each task that has a worker
 *   server  events, state, delta …   live, as they happen
 *
 * Only `events` moves the cursor: the client keeps the `id` of the last event, and subscribes with it after it has
 * lost the connection. The other frames are transient: the next `state` replaces a state, and an event replaces
 * deltas. If the epoch differs from the one that the client knows, its cursor belongs to another database: it starts
 * again from `GET /tasks`. (Over HTTP a header of each response has the epoch.) Another `subscribe` on the same
 * socket changes the task of the deltas, and replays from `after`.
 *
 * A client that reads too slowly gets no live frames for a while. It gets the events from the log at its own pace,
 * then another `caught_up`. Deltas that it missed are not sent again.
 */

/** The subprotocol that the server selects. */
export const SUBPROTOCOL = 'errand.v1';
/** The prefix of the subprotocol with the access token. */
export const BEARER_SUBPROTOCOL_PREFIX = 'bearer.';

/** What a client may send. */
export const ClientFrame = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('subscribe'),
    /** The id of the last event that the client has; 0 for all events. */
    after: z.number().int().nonnegative(),
    task_id: Id.optional(),
  }),
]);
export type ClientFrame = z.infer<typeof ClientFrame>;

/** What the server sends. */
export const ServerFrame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), cursor: z.number().int().nonnegative(), epoch: z.string(), at: Time }),
  /** Durable: rows of the log, with ascending ids, of all tasks of the user. */
  z.object({ type: z.literal('events'), events: z.array(LogEvent) }),
  z.object({ type: z.literal('caught_up'), cursor: z.number().int().nonnegative() }),
  /** Transient: the current state of a task. */
  z.object({ type: z.literal('state'), task_id: Id, status: TaskStatus, waiting_for: WaitingFor.nullable() }),
  z.object({ type: z.literal('delta'), task_id: Id, attempt: z.number().int(), deltas: z.array(Delta) }),
  /** The client's frame is not valid. The socket stays open. */
  z.object({ type: z.literal('error'), code: z.string(), message: z.string() }),
  /** The server is stopping. Reconnect later with the same cursor. */
  z.object({ type: z.literal('bye'), reason: z.string() }),
]);
export type ServerFrame = z.infer<typeof ServerFrame>;

/** The close codes: why the server closed a socket. */
export const CLOSE = {
  /** 1001 of RFC 6455: the server is stopping. */
  going_away: 1001,
  /** 1011 of RFC 6455: something went wrong on the server. */
  failed: 1011,
  bad_frame: 4400,
  /** The token is not valid, or its log-in has ended. Refresh the access token once and connect again; else log in. */
  unauthenticated: 4401,
  not_found: 4404,
  /** The client read too slowly for too long. */
  too_slow: 4408,
  /**
   * The user has more sockets than allowed, and this one was silent for longest when a newer one came. Do not connect
   * again by yourself: that would close another one.
   */
  too_many: 4429,
} as const;
