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
  z
    .strictObject({
      type: z.literal('subscribe'),
      after: z.number().int().nonnegative().describe('the id of the last event that the client has; 0 for all events'),
      task_id: Id.optional().describe('the one task whose deltas the client wants'),
    })
    .describe('Asks for the events after a cursor, and for the deltas of one task.'),
]);
export type ClientFrame = z.infer<typeof ClientFrame>;

const cursor = z.number().int().nonnegative();

/** What the server sends. */
export const ServerFrame = z.discriminatedUnion('type', [
  z
    .object({ type: z.literal('hello'), cursor, epoch: z.string(), at: Time })
    .describe('The newest cursor, and the epoch of the database.'),
  z
    .object({ type: z.literal('events'), events: z.array(LogEvent) })
    .describe('Durable: rows of the log, with ascending ids, of all tasks of the user.'),
  z.object({ type: z.literal('caught_up'), cursor }).describe('The client has got every event up to this cursor.'),
  z
    .object({ type: z.literal('state'), task_id: Id, status: TaskStatus, waiting_for: WaitingFor.nullable() })
    .describe('Transient: the current state of a task.'),
  z
    .object({ type: z.literal('delta'), task_id: Id, attempt: z.number().int(), deltas: z.array(Delta) })
    .describe('Transient: pieces of text of the subscribed task, as they are written.'),
  z
    .object({ type: z.literal('error'), code: z.string(), message: z.string() })
    .describe("The client's frame is not valid. The socket stays open."),
  z
    .object({ type: z.literal('bye'), reason: z.string() })
    .describe('The server is stopping. Reconnect later with the same cursor.'),
]);
export type ServerFrame = z.infer<typeof ServerFrame>;

/** The close codes: why the server closed a socket. */
export const CLOSE = {
  going_away: 1001,
  failed: 1011,
  bad_frame: 4400,
  unauthenticated: 4401,
  not_found: 4404,
  too_slow: 4408,
  too_many: 4429,
} as const;

/** What each close code means. The first two are those of RFC 6455. */
export const CLOSE_MEANING: Readonly<Record<keyof typeof CLOSE, string>> = {
  going_away: 'The server is stopping. Reconnect later with the same cursor.',
  failed: 'Something went wrong on the server.',
  bad_frame: 'The client sent no `subscribe` in time, or too many frames that are not valid.',
  unauthenticated:
    'The token is not valid, or its log-in has ended. Refresh the access token once and connect again; else log in.',
  not_found: 'The credentials belong to another user than the one in the path.',
  too_slow: 'The client read too slowly for too long.',
  too_many:
    'The user has more sockets than allowed, and this one was silent for longest when a newer one came. Do not connect ' +
    'again by yourself: that would close another one.',
};
