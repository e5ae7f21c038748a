import { z } from 'zod';
import { Delta, NumberedEvent } from './events.ts';
import { Id, Time } from './ids.ts';
import { LIMITS } from './limits.ts';
import { Commit, DiffStat, FailureReason, WaitingFor } from './task.ts';

/*
 * # The worker contract, version 1
 *
 * A worker is a small HTTP server with an agent inside. It carries out one attempt of one task, reports it to the coordinator by callbacks,
 * and is thrown away. Anything that keeps this page is a worker, in whatever language: `npm run conformance -- --worker …` holds it
 * against every rule here. "Must" is a rule that the conformance suite checks.
 *
 * ## The link
 *
 * On the coordinator's own machine a worker has no network. It has two directories:
 *
 *   /run/errand/coordinator   read-only. `coordinator.sock` in it is the coordinator. Open it anew for each connection: a coordinator that
 *                             was restarted made a new one under the same name.
 *   /run/errand/worker        the worker's own. It must listen on `worker.sock` in it.
 *
 * The environment tells:
 *
 *   ERRAND_COORDINATOR  `unix:/run/errand/coordinator/coordinator.sock`, or `http://host:port` where the two are apart.
 *   ERRAND_LISTEN       `unix:/run/errand/worker/worker.sock`, or `host:port`. Absent: the worker is not called, and works by callbacks alone.
 *   ERRAND_WORKSPACE    a folder on disk that outlives the worker, `/workspace`: the repository goes to `repo` in it.
 *   ERRAND_SPOOL        a folder on disk that outlives the worker too: what was not acknowledged waits in it.
 *
 * No secret is in the environment, save where no call can reach the worker: then `ERRAND_TASK_ID` and `ERRAND_TASK_TOKEN` are there from the
 * start, and it fetches its assignment. The token must not be in the environment of the commands that the agent runs.
 *
 * ## What the coordinator asks of the worker
 *
 *   GET  /healthz    200 `WorkerHealth` as soon as it listens. It boots empty: with no task, and no call to anyone.
 *   POST /task       `Assignment`. 202 once it is taken, and the work begins. The same assignment again (task and attempt): 202, and nothing
 *                    changes. Another one: 409. A contract version that it does not know: 400. One task a worker.
 *   POST /messages   `{messages}`. 202. A message whose id it has seen changes nothing.
 *   POST /cancel     `{reason}`. 202, before the work has ended. It stops commands and the model at once, pushes the work in
 *                    progress, posts its result, and exits. A worker that does not answer within
 *                    `cancel_grace_ms` is killed; one that answered has `cancel_push_ms` for the push and the result. Again: 202.
 *   GET  /status     200 `WorkerStatus`.
 *
 * With no task yet, messages and cancel answer 409. A body of the wrong form: 400 with a problem document; one above its limit: 413
 * (an assignment `assignment_bytes_max`, else `request_body_bytes_max` for a cancel and `callback_body_bytes_max` for messages). Any other path: 404.
 * Over TCP, every call but `GET /healthz` bears `Authorization: Bearer` with the task's token once there is one: that of the assignment, or
 * one that a heartbeat brought since. Any other: 401. A socket needs none: who may open it is settled by where it is.
 *
 * ## What the worker asks of the coordinator
 *
 * All with `Authorization: Bearer <task token>`; `:id` is the task's.
 *
 *   GET  /internal/tasks/:id/assignment   `Assignment`: for a worker that could not be handed it.
 *   POST /internal/tasks/:id/events       `EventsPost` → `CallbackReply`, once the events are on disk.
 *   POST /internal/tasks/:id/heartbeat    `Heartbeat` → `CallbackReply`. Renews the lease; may bring a new token.
 *   POST /internal/tasks/:id/result       `ResultPost` → `CallbackReply`. The last word of the attempt.
 *   ANY  /internal/tasks/:id/llm/…        the Claude API, carried on: `/v1/messages` and `/v1/messages/count_tokens`. The token is the key.
 *   ANY  /internal/tasks/:id/git/…        the task's repository by git's smart HTTP. Pushes go only to the assignment's `branch_prefix`. A
 *                                         refusal bears its code in the header `errand-error`, since git shows nothing of a body.
 *   CONNECT host:443                      the forward proxy, for what the project allows; `Proxy-Authorization: Bearer <task token>`, or
 *                                         `Basic` with the token as the password, for clients that know no other.
 *
 * ## The order of calls
 *
 * 1. The assignment is handed over or fetched. Nothing else may come before it.
 * 2. Events, from `seq` 1, without a gap, in order; `agent.started` is the first. One POST under way at a time. Deltas ride along in the
 *    same POST, after the events they follow; a POST may hold deltas alone, or a `waiting_for` alone.
 * 3. A heartbeat at least every `heartbeat_ms`. A POST of events renews the lease as well, but only a heartbeat renews the token: a worker
 *    that is busy still makes one now and then. An attempt that calls nothing for `lease_ms` is lost: its work goes to the next attempt. So is one
 *    that calls and stands still: no event, no delta, no new `waiting_for`, nothing carried for it, for `stall_ms`. A wait that names its
 *    `until` may last so long, and `wait_grace_ms` more; deltas do not prolong it. Where nothing comes for `quiet_ms` of the model or the
 *    command that is waited for, `waiting_for` says so by its `silent_since`, until something does.
 * 4. The result, after every event has been acknowledged; `last_seq` says how many there were. Then nothing more. The worker exits with 0.
 *
 * Each reply of the callbacks carries `control`: the messages that were not yet taken in, and whether to cancel. A message is taken in
 * when an `input.added` that names it was acknowledged; until then it comes again. So control reaches a worker that no call reaches.
 * The messages of the assignment, of `POST /messages` and of `control` are the same ones: each enters the conversation once, by its id.
 *
 * ## Who retries what
 *
 * The worker retries; the coordinator does not. A POST of events is made again, with the same numbers, until it was answered: the
 * coordinator stores each number once, and a repeat changes nothing. So it is with the heartbeat and the result. The answers:
 *
 *   no connection, no answer in 30 s,   try again, with backoff from 100 ms to 5 s and jitter, heeding `Retry-After`, for as long as the
 *   429, 500, 502, 503, 504             worker lives.
 *   400 `invalid`, 413                  the event is malformed and would be refused for ever: replace it by a `log` event of the same number
 *                                       that says so, or end with `agent_error`.
 *   401                                 the token is not valid here: exchange it by a heartbeat once, then stop.
 *   409 `events_missing`                go back to its `expected_seq`.
 *   409 `stale_attempt`                 the attempt was given up. Stop everything at once, push nothing, exit.
 *   409 `attempt_ended`                 the result is known already: exit with 0.
 *   anything else                       no repeat would fare better: stop, push nothing, exit.
 *
 * A code that is not in `./problem.ts` is judged by its status, as the line above that names the status; any other 5xx is tried again.
 *
 * Until it is acknowledged an event is kept in the spool, on disk, so that it outlives the agent's process. The spool is bounded
 * (`spool_bytes_max` of the assignment): a worker whose spool is full waits; it does not drop. Deltas are not spooled: under pressure they are dropped.
 * A process that is started again on the same attempt reads the spool first: it goes on with the next number, and posts what waits.
 *
 * ## At the end
 *
 * Each way out leads past the same three: commit and push what there is to `branch_prefix…`, post the result, exit. On SIGTERM the worker does so too
 * (as work in progress), in ten seconds at most; it posts a result only if it was cancelled, and else exits with 143. A worker that is killed
 * loses nothing that was acknowledged or spooled: the next attempt gets the same workspace and spool, and in its assignment the transcript so
 * far. What the spool of the attempt before has beyond `known.last_seq` was never acknowledged: the next attempt reports it as its own,
 * after its `agent.started`, and takes it into the transcript.
 *
 * The exit code is 0 after a result that was answered (by `attempt_ended` too), and never else: a worker that exits otherwise is lost, whatever it had reported.
 *
 * ## Versions
 *
 * The two sides are upgraded apart, the coordinator first. A worker at work lives on as what it was started as, and a newer coordinator serves it
 * to its end: it serves the version of this page and the one before, so that no errand is cut short by an upgrade that skips no version.
 *
 * A worker keeps one version. It says which in `/healthz`, which is the same in all versions, and in the header `errand-contract` of its
 * callbacks; without the header it is version 1. It is given an assignment of that version. One of another it refuses: with 400 where it was
 * handed over; where it had fetched it, it says so in its output and exits, not with 0. A callback of a version that is not served is
 * answered with 403 `forbidden`. A person reads the same each time: which version either side keeps, and which side to upgrade.
 *
 * Within a version things are only added, on the coordinator's side first:
 *
 *   What a worker sends is checked to the letter: a field, a value, a type of event that is not on the coordinator's page is refused with 400.
 *   A coordinator may come to take more: a field that may be absent, another value, another type of event. It never comes to ask for more,
 *   nor to take less.
 *
 *   What a coordinator sends may gain fields: the assignment, the replies, the pushes, and `control`, of which each kind is a field. A worker
 *   passes over the fields that it does not know, and over a transcript's events of other types; so nothing may rest on its heeding them. A
 *   field that is there keeps its meaning, and takes no new value.
 *
 * All else is a new version. What today's workers send is kept in `test/worker-contract/`, and held against each later coordinator.
 */

/** The version of this page. */
export const CONTRACT_VERSION = 1;

/** The versions of workers that a coordinator serves: its own and, once there is one, the one before. */
const VERSIONS_SERVED: readonly number[] = [CONTRACT_VERSION];

/** The header by which a worker's callbacks say its version. */
export const CONTRACT_HEADER = 'errand-contract';

/** The label by which an image says the version that its workers keep. */
export const CONTRACT_LABEL = 'errand.contract';

/** The version of a worker, or of an image, that names none. */
export const CONTRACT_VERSION_UNNAMED = 1;

/** Why a coordinator does not serve workers of this version, in words for the server's owner; null: it does. */
export function contractFault(version: number): string | null {
  if (VERSIONS_SERVED.includes(version)) return null;
  return (
    `The worker keeps version ${version} of the worker contract, and this server version ${CONTRACT_VERSION}: ` +
    (version > CONTRACT_VERSION ? 'upgrade the server.' : 'build the image of the workers anew.')
  );
}

/** The header by which each answer of the carried Claude API says what the task's budget had left before that request, in US dollars. */
export const BUDGET_HEADER = 'errand-budget-remaining-usd';

/** The names of the two sockets in the link's two directories. */
export const COORDINATOR_SOCKET = 'coordinator.sock';
export const WORKER_SOCKET = 'worker.sock';

export const Message = z.object({ id: Id, text: z.string(), at: Time });
export type Message = z.infer<typeof Message>;

/** One event of an earlier attempt, as a resumed attempt gets it. */
export const TranscriptEvent = z.object({
  attempt: z.number().int(),
  type: z.string(),
  body: z.record(z.string(), z.unknown()),
});
export type TranscriptEvent = z.infer<typeof TranscriptEvent>;

/** All that a worker needs to begin. Times in milliseconds, money in US dollars. */
export const Assignment = z.object({
  contract_version: z.number().int().positive(),
  task_id: Id,
  attempt: z.number().int().positive(),
  token: z.string().describe('the task token: the bearer of every call'),
  prompt: z.string(),
  title: z.string(),
  /** The base branch; null: what the repository's HEAD names. */
  base_branch: z.string().nullable(),
  /** The branch to push to; begins with `branch_prefix`. */
  branch: z.string(),
  /** The only refs that a push may write: `refs/heads/<branch_prefix>…`. */
  branch_prefix: z.string(),
  /** For display and commit messages; the repository is fetched through the coordinator. */
  repo_url: z.string(),
  model: z.string(),
  max_turns: z.number().int().positive(),
  budget_usd: z.number().positive(),
  spent_usd: z.number().nonnegative(),
  /** How long the attempt may take. */
  time_limit_ms: z.number().int().positive(),
  setup_command: z.string().nullable(),
  verify_command: z.string().nullable(),
  /** Secrets of the project for the commands' environment. Never printed, never in an event. */
  env: z.record(z.string(), z.string()),
  /** Who the commits name as their author. */
  author: z.object({ name: z.string(), email: z.string() }),
  /** Whether the forward proxy lets anything through; the worker then points HTTPS_PROXY of its commands there. */
  egress: z.enum(['none', 'registries', 'list', 'open']),
  heartbeat_ms: z.number().int().positive(),
  lease_ms: z.number().int().positive(),
  spool_bytes_max: z.number().int().positive(),
  /** What the attempt goes on from: the conversation's events that are on disk, of all attempts, in order. Empty at first. */
  transcript: z.array(TranscriptEvent),
  /**
   * The newest attempt of which an event is on disk (an earlier one, or this one, where its process was started again), and that event's
   * number. What the spool of that attempt has beyond is not known here. Absent: there is none.
   */
  known: z.object({ attempt: z.number().int().positive(), last_seq: z.number().int().nonnegative() }).optional(),
  /** Messages that have not entered the conversation. */
  messages: z.array(Message),
});
export type Assignment = z.infer<typeof Assignment>;

/** The types of events that a transcript is folded from; the assignment of a next attempt carries these alone. */
export const TRANSCRIPT_TYPES = [
  'conversation.started',
  'turn.finished',
  'tool.started',
  'tool.finished',
  'input.added',
  'plan.updated',
] as const;

export const WorkerHealth = z.object({
  ok: z.literal(true),
  contract_version: z.number().int(),
  agent: z.string(),
  version: z.string(),
});
export type WorkerHealth = z.infer<typeof WorkerHealth>;

export const WorkerStatus = z.object({
  state: z.enum(['idle', 'working', 'ending']),
  task_id: Id.nullable(),
  attempt: z.number().int().nullable(),
  /** The number of the newest event, and of the newest that was acknowledged. */
  last_seq: z.number().int().nonnegative(),
  acked_seq: z.number().int().nonnegative(),
  waiting_for: WaitingFor.nullable(),
});
export type WorkerStatus = z.infer<typeof WorkerStatus>;

export const MessagesPush = z.object({ messages: z.array(Message).max(100) });
export const CancelPush = z.object({ reason: z.string().max(500) });

/** The fields of one callback that carries events. Bounds: `LIMITS.events_per_post_max`, `deltas_per_post_max`, `callback_body_bytes_max`. */
export const EventsPost = z.strictObject({
  attempt: z.number().int().positive(),
  events: z.array(NumberedEvent).max(LIMITS.events_per_post_max),
  deltas: z.array(Delta).max(LIMITS.deltas_per_post_max).default([]),
  /** What the worker waits for now, if it changed with these events. */
  waiting_for: WaitingFor.nullable().optional(),
});
export type EventsPost = z.infer<typeof EventsPost>;

export const Heartbeat = z.strictObject({
  attempt: z.number().int().positive(),
  last_seq: z.number().int().nonnegative(),
  waiting_for: WaitingFor.nullable(),
});
export type Heartbeat = z.infer<typeof Heartbeat>;

export const ResultPost = z.strictObject({
  attempt: z.number().int().positive(),
  last_seq: z.number().int().nonnegative(),
  status: z.enum(['succeeded', 'failed', 'cancelled']),
  /** With `failed` alone. */
  reason: FailureReason.nullable(),
  detail: z.string().max(4000).nullable(),
  summary: z.string().max(LIMITS.summary_chars_max),
  /** Null where nothing was pushed. */
  branch: z.string().nullable(),
  commit: Commit.nullable(),
  base_commit: Commit.nullable(),
  diff_stat: DiffStat,
  /** `git diff` between the base commit and the commit. */
  diff: z.string(),
  diff_truncated: z.boolean(),
});
export type ResultPost = z.infer<typeof ResultPost>;

export const Control = z.object({
  messages: z.array(Message),
  cancel: z.object({ reason: z.string() }).nullable(),
});
export type Control = z.infer<typeof Control>;

export const CallbackReply = z.object({
  /** The newest event of this attempt that is on disk. */
  acked_seq: z.number().int().nonnegative(),
  control: Control,
  /** A new token, from the heartbeat alone, once half the life of the old one is over. The old one stays good until it expires. */
  token: z.string().optional(),
});
export type CallbackReply = z.infer<typeof CallbackReply>;
