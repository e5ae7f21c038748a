import { z } from 'zod';
import { Bodies, Delta, LogEvent } from './events.ts';
import { Id, Time } from './ids.ts';
import { TaskChange, TaskStatus, WaitingFor } from './task.ts';

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
 * Scopes. Those are the events of all errands, with all that is in them. A phone wants less, so a subscription may name
 * another scope, and one socket may hold several of them:
 *
 *   all    the default: every event of every errand, and the deltas of `task_id`
 *   tasks  the light feed: how all errands stand. A `tasks` frame has the fields that changed, at most once in
 *          `LIMITS.light_feed_ms`, and no bodies of events
 *   log    the full log of the errand `task_id`, its deltas and its state; for at most `LIMITS.socket_logs_max`
 *          errands. Its `events` and its `caught_up` name the scope and the errand
 *
 * Each has its own cursor: `after` is the `cursor` of the last `tasks` or `caught_up` frame of the light feed, and the
 * id of the last event of a log. A `subscribe` replaces the one with the same scope and errand, and `unsubscribe` ends
 * it. Who was away for too long to be told what was removed, or would be told too much at once, gets `start_over`, and
 * then all errands. That is the light feed: with `all` alone a client is told the newest 1,000 of what is removed at
 * once, and nothing of what was removed while it was away.
 *
 * A cold start, and a week's sleep:
 *
 *   1. `hello`. Its `cursor` is C. With another epoch than before, forget everything.
 *   2. Either `subscribe {scope: 'tasks', after: <last cursor>}`: the light feed sends each errand that changed
 *      meanwhile, once, and `removed`. Or `GET /tasks?updated_since=<time of the last contact, less a minute for the
 *      clocks>` (all pages, without the time at a cold start), and then `subscribe {scope: 'tasks', after: C}`.
 *   3. For the errand on the screen: `GET /tasks/:id/events?before=9007199254740991&bodies=short` has the last page
 *      of its log, whatever its length; then `subscribe {scope: 'log', task_id, after: <id of the last event of the
 *      page>}`. Scrolling up reads `?before=<id of the first event>`. `GET /tasks/:id/events/:event_id` has a cut body
 *      whole.
 *
 * A client that reads too slowly gets no live frames for a while. It gets the events from the log at its own pace,
 * then another `caught_up`. Deltas that it missed are not sent again.
 */

/** The subprotocol that the server selects. */
export const SUBPROTOCOL = 'errand.v1';
/** The prefix of the subprotocol with the access token. */
export const BEARER_SUBPROTOCOL_PREFIX = 'bearer.';

/** What a subscription is to: see above. */
export const Scope = z.enum(['all', 'tasks', 'log']);
export type Scope = z.infer<typeof Scope>;

/** What a client may send. */
export const ClientFrame = z.discriminatedUnion('type', [
  z
    .strictObject({
      type: z.literal('subscribe'),
      after: z.number().int().nonnegative().describe('the id of the last event that the client has; 0 for all events'),
      scope: Scope.optional().describe('`all` by default'),
      task_id: Id.optional().describe('the task of a log; with `all`, the one task whose deltas the client wants'),
      bodies: Bodies.optional().describe('how the bodies of a log are sent; `short` by default'),
    })
    .describe('Asks for what came after a cursor, and for what comes.'),
  z
    .strictObject({ type: z.literal('unsubscribe'), scope: Scope, task_id: Id.optional() })
    .describe('Ends a subscription. With `log` and no `task_id`: those to all logs.'),
]);
export type ClientFrame = z.infer<typeof ClientFrame>;

const cursor = z.number().int().nonnegative();
/** The subscription that a frame belongs to. Absent: `all`. */
const of = { scope: Scope.optional(), task_id: Id.optional() };

/** What the server sends. */
export const ServerFrame = z.discriminatedUnion('type', [
  z
    .object({ type: z.literal('hello'), cursor, epoch: z.string(), at: Time })
    .describe('The newest cursor, and the epoch of the database.'),
  z
    .object({ type: z.literal('events'), ...of, events: z.array(LogEvent) })
    .describe('Durable: rows of the log, with ascending ids, of all tasks of the user; or of `task_id` alone.'),
  z
    .object({ type: z.literal('caught_up'), ...of, cursor })
    .describe('The client has got everything up to this cursor.'),
  z
    .object({ type: z.literal('tasks'), cursor, tasks: z.array(TaskChange) })
    .describe('The light feed: what has changed of these tasks. After it the client is at `cursor`.'),
  z
    .object({ type: z.literal('removed'), task_ids: z.array(Id) })
    .describe('These tasks were removed, with their logs. It may be told twice.'),
  z
    .object({ type: z.literal('start_over') })
    .describe('The light feed: forget the list of tasks. All that there are follow.'),
  z
    .object({ type: z.literal('state'), task_id: Id, status: TaskStatus, waiting_for: WaitingFor.nullable() })
    .describe('Transient: the current state of a task.'),
  z
    .object({ type: z.literal('delta'), task_id: Id, attempt: z.number().int(), deltas: z.array(Delta) })
    .describe('Transient: pieces of text of the subscribed task, as they are written.'),
  z
    .object({ type: z.literal('error'), code: z.string(), message: z.string(), task_id: Id.optional() })
    .describe("The client's frame is not valid. The socket stays open."),
  z
    .object({ type: z.literal('bye'), reason: z.string() })
    .describe('The server is stopping. Reconnect later with the same cursor.'),
]);
export type ServerFrame = z.infer<typeof ServerFrame>;

/** The close codes: why the server closed a socket. */
export const CLOSE = {
  going_away: 1001,
  too_large: 1009,
  failed: 1011,
  bad_frame: 4400,
  unauthenticated: 4401,
  not_found: 4404,
  too_slow: 4408,
  too_many: 4429,
} as const;

/** What each close code means. The first three are those of RFC 6455. */
export const CLOSE_MEANING: Readonly<Record<keyof typeof CLOSE, string>> = {
  going_away: 'The server is stopping. Reconnect later with the same cursor.',
  too_large: 'A frame of the client is larger than its limit.',
  failed: 'Something went wrong on the server.',
  bad_frame:
    'The client sent no `subscribe` in time, too many frames that are not valid, or too many frames. The reason says ' +
    'which.',
  unauthenticated:
    'The token is not valid, or its log-in has ended. Refresh the access token once and connect again; else log in. An ' +
    'API token that is refused may have expired, or lacks the scope `read`: to connect again does not help.',
  not_found: 'The credentials belong to another user than the one in the path.',
  too_slow: 'The client read too slowly for too long.',
  too_many:
    'The user has more sockets than allowed, and this one was silent for longest when a newer one came. Do not connect ' +
    'again by yourself: that would close another one.',
};
