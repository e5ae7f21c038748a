/*
 * # The worker contract, version 1
 *
 * A worker is a small HTTP server with a coding agent inside. It runs one attempt of one task, reports to the
 * coordinator by HTTP callbacks, and is then removed. Any program that follows this page is a worker, in whatever
 * language. `npm run conformance -- --worker …` checks a worker against it, and names each rule that is broken with
 * what was refused. `./worker-schemas.ts` has the bodies of the calls, and `./events.ts` has the events.
 *
 * ## How the two sides reach each other
 *
 * On the coordinator's machine a worker has no network. Two directories are mounted into it:
 *
 *   /run/errand/coordinator   Read-only. `coordinator.sock` in it is the coordinator. Open it again for each
 *                             connection: a restarted coordinator makes a new socket under the same name.
 *   /run/errand/worker        The worker's own. It must listen on `worker.sock` in it.
 *
 * Besides these it may write the workspace and `/tmp`, which is in its memory. All else is read-only, and no worker is
 * root.
 *
 * Environment variables:
 *
 *   ERRAND_COORDINATOR  `unix:/run/errand/coordinator/coordinator.sock`, or `http://host:port` from another machine.
 *   ERRAND_LISTEN       `unix:/run/errand/worker/worker.sock`, or `host:port`. Absent: the coordinator cannot call the
 *                       worker, which then works by callbacks alone.
 *   ERRAND_WORKSPACE    A folder that outlives the worker. Absent: `/workspace`. The repository is cloned to `repo` in
 *                       it. No further repository has one of `WORKSPACE_FOLDERS` as its key.
 *   ERRAND_SPOOL        A folder that outlives the worker. Absent: `spool` in the workspace. It stores the events that
 *                       were not acknowledged yet.
 *   ERRAND_COMMAND_ENV  Variables of the image for the agent's commands too, such as `JAVA_HOME,RUSTUP_HOME`. Optional.
 *
 * The environment has no secrets, but a worker that cannot be called gets `ERRAND_TASK_ID` and `ERRAND_TASK_TOKEN`, and
 * fetches its assignment with them. The token must not be in the environment of the commands that the agent runs.
 *
 * ## Calls from the coordinator to the worker
 *
 *   GET  /healthz    200 `WorkerHealth` as soon as the worker listens. It starts without a task, and calls nobody.
 *   POST /task       Body `Assignment`. 202 once the worker has accepted the task and begins to work. The same
 *                    assignment again (task and attempt): 202, without effect. Another one: 409. An unknown contract
 *                    version: 400. A worker gets one task in its life.
 *   POST /messages   Body `{messages}`. 202. A message whose id the worker has seen already has no effect.
 *   POST /cancel     Body `{reason}`. 202 at once, before the work has ended. The worker stops its commands and model
 *                    requests at once, pushes the work in progress, posts its result and exits. The coordinator kills
 *                    a worker that does not respond within `cancel_grace_ms`, or that takes longer than
 *                    `cancel_push_ms` after it responded. A second cancel: 202.
 *   GET  /status     200 `WorkerStatus`.
 *
 * Before there is a task, messages and cancel answer 409. A malformed body: 400 with a problem document. A body above
 * its limit: 413 (the limits: `assignment_bytes_max`; `request_body_bytes_max` for a cancel; `callback_body_bytes_max`
 * for messages). Any other path: 404. Over TCP, once there is a task, every call but `GET /healthz` has the header
 * `Authorization: Bearer` with the task token: that of the assignment, or a newer one from a heartbeat. Any other
 * token: 401. On a socket no token is needed, because only the coordinator can reach the socket's directory.
 *
 * ## Calls from the worker to the coordinator
 *
 * All with `Authorization: Bearer <task token>`; `Basic` with the token as the password, and `x-api-key`, do as well.
 * `:id` is the task's id.
 *
 *   GET  /internal/tasks/:id/assignment   → `Assignment`. For a worker that cannot be called.
 *   POST /internal/tasks/:id/events       `EventsPost` → `CallbackReply`, once the events are on disk.
 *   POST /internal/tasks/:id/messages     `MessagesTake` → `MessagesTaken`: takes messages into the conversation.
 *   GET  /internal/tasks/:id/attachments/:id   → the bytes of an attachment of the task.
 *   POST /internal/tasks/:id/heartbeat    `Heartbeat` → `CallbackReply`. Renews the lease. May return a new token.
 *   POST /internal/tasks/:id/result       `ResultPost` → `CallbackReply`. The last callback of the attempt.
 *   ANY  /internal/tasks/:id/llm/…        A proxy to the Claude API: `/v1/messages` and `/v1/messages/count_tokens`.
 *                                         The task token takes the place of the API key. Other models than the
 *                                         assignment's need the project's `extra_models`. A larger `max_tokens` than
 *                                         the budget or the project allows is lowered, and a beta that is not known
 *                                         to be safe is left out. `./README.md` says what a refusal means.
 *   ANY  /internal/tasks/:id/git/…        A proxy to the task's repository, with git's smart HTTP protocol. Git's
 *                                         address for it is `<coordinator>/internal/tasks/<id>/git`, and for a further
 *                                         repository the same with `/<key>` behind it. Git speaks no
 *                                         unix socket: `./README.md` has a relay, and how git gets the token. A push
 *                                         may write only branches that begin with the assignment's `branch_prefix`,
 *                                         or with the same and `-` in place of `/`; and, with a push of its own, the
 *                                         assignment's `work_branch`, which only moves forward and to a commit that
 *                                         the repository has already. An error has its code in the header
 *                                         `errand-error`, and `<code>: <detail>` as its body: git shows the body only
 *                                         for its request for the refs.
 *   ANY  /internal/tasks/:id/git.git/info/lfs/…   Git LFS for it, also with `/<key>` behind `git`: the batch API with
 *                                         basic transfers, without locks.
 *   CONNECT host:443                      A forward proxy to the hosts that the project allows, with
 *                                         `Proxy-Authorization: Bearer <task token>`, or `Basic` with the token as
 *                                         the password.
 *
 * ## The order of calls
 *
 * 1. The assignment is handed over or fetched. No other callback may come before it.
 * 2. Events, in order, with `seq` from 1 and without a gap. The first is `agent.started`. In each attempt there is a
 *    `repository.ready` once the clone is there. Only one POST of events may be in progress. Deltas go into the same
 *    POST, after the events that they follow. A POST may have deltas alone, or `waiting_for` alone.
 * 3. A heartbeat at least every `heartbeat_ms`. It may overlap a POST of events. A POST of events renews the lease too,
 *    but only a heartbeat renews the token, so a busy worker also sends heartbeats.
 * 4. The result, after every event was acknowledged and every heartbeat was answered. `last_seq` is the number of
 *    events. Nothing follows it. Where the answer is 401, send one heartbeat and post it again. Then exit with 0.
 *
 * Three watchdogs end an attempt. After the first two the next attempt goes on with its work.
 *
 *   The lease expires when the worker makes no callback for `lease_ms`.
 *   The attempt has stalled when for `stall_ms` there is no event, no delta, no new `waiting_for` and no request to
 *   `llm`, `git` or `attachments`, even though the worker calls. A CONNECT tunnel does not count. A wait with an
 *   `until` may last until then plus `wait_grace_ms`; deltas do not extend it. Without one, a wait for a person and an
 *   open question, from its `question.asked` to its answer, do not count as stalled.
 *   The deadline is `time_limit_ms` and two hours after the start of the attempt, whatever the worker waits for. Where
 *   a question is open then, the task is parked, as if the worker had ended so. Else it has failed with `time_limit`.
 *
 * When the model or command that the worker waits for sends nothing for `quiet_ms`, the worker adds `silent_since` to
 * `waiting_for`, and removes it when something comes.
 *
 * Each `CallbackReply` has `control`: the messages that have not entered the conversation yet, and whether to cancel.
 * A message has entered it once an `input.added` event that names it was acknowledged; until then every reply repeats
 * it. So control reaches a worker that cannot be called. The assignment, `POST /messages` and `control` bring the
 * same messages: the worker adds each one to the conversation once, by its id.
 *
 * A person may change or withdraw a message until the worker takes it. A worker that says `takes_messages` in its
 * `agent.started` takes each message with the `messages` call right before it adds it to the conversation: the reply
 * has the message as it is now, and leaves out one that was withdrawn, which the worker then drops. From that call on
 * the message stays as it is. A repeat of the call gets the same, and an `input.added` of any other message is refused.
 * A worker without `takes_messages` adds messages as they came, and while it works nobody can change one. A message
 * with `hear` `after_turn` is added when the model ends its turn, any other after the results of the turn's tool calls:
 * those that have not begun may be refused, each by a `tool.finished` with an error. `model` and `effort` hold for the
 * requests after it. An older worker may ignore all three.
 *
 * A prompt and a message may have `attachments`. The worker fetches each with the `attachments` call and writes it
 * outside of the repository, so that no commit has it. It tells the model of each, once, with an `input.added` event
 * whose `attachment_id` names it (any other id: 400): the `source` is `person`, the `text` is the worker's own and says
 * where the file is, and `content` may have the picture or document. Older workers may ignore attachments. 404: the
 * file is gone, such as after a restore; the work goes on without it.
 *
 * ## Retries
 *
 * The worker retries; the coordinator does not. The worker repeats a POST of events, with the same numbers, until it
 * gets a response. The coordinator stores each number once, so a repeat has no effect. The same holds for the heartbeat
 * and the result. What to do after each response:
 *
 *   no connection; no response in 30 s;   Retry with exponential backoff from 100 ms to 5 s, with jitter, for as long
 *   429, 500, 502, 503, 504               as the worker lives. Honour `Retry-After`.
 *   400 `invalid`, 413                    Every retry would fail. `errors` names what is wrong: replace an event by a
 *                                         `log` event with the same number that says so, drop a delta or a
 *                                         `waiting_for`, correct a result. Where it names none of several events, post
 *                                         them one by one. Or end with `agent_error`.
 *   401                                   The token is not valid. Exchange it by one heartbeat; if that fails, stop.
 *   409 `events_missing`                  Everything before `expected_seq` is stored: continue with exactly that event.
 *   409 `stale_attempt`                   The attempt was given up. Stop everything at once, push nothing, exit.
 *   409 `log_full`                        The attempt, or its task, has more events than the quotas in `limits.ts`
 *                                         allow, so it was ended. As after `stale_attempt`.
 *   409 `attempt_ended`                   The result is already stored. Exit with code 0.
 *   anything else                         A retry would not help. Stop, push nothing, exit.
 *
 * Git does not retry: while the coordinator is away its requests fail. The worker goes on with its heartbeats, and runs
 * git again, for as long as it lives. `./README.md` says how it tells a refusal from an outage, of git and of `llm`.
 *
 * For an error code that is not in `./problem.ts` the status decides, as in this list. Any other 5xx status is retried.
 *
 * The worker keeps each event in the spool, on disk, until the event is acknowledged, so that events survive a crash
 * of the agent's process. The spool is bounded by the assignment's `spool_bytes_max`. A worker with a full spool
 * waits; it drops no event. Deltas are not spooled, and may be dropped. A process that is restarted for the same
 * attempt reads the spool first, continues with the next number, and posts the events that are left. It reports
 * `agent.started` and `repository.ready` once more.
 *
 * ## The end of an attempt
 *
 * Every way out has the same three steps: commit and push the work to `branch_prefix…`, post the result, exit. After
 * SIGTERM the worker pushes the work in progress, within ten seconds, and exits with code 143, without a result. Only
 * one that was cancelled posts its result, and then exits with 0. A worker that is killed loses nothing that was
 * acknowledged or spooled: the next attempt gets the same workspace and spool, and the transcript so far in its
 * assignment. Events of the previous attempt in the spool that come after `known.last_seq` were never acknowledged: the
 * next attempt reports them as its own, after its `agent.started`, and adds them to the transcript. It leaves out those
 * about the process that is gone (`PROCESS_TYPES` in `./worker-schemas.ts`). The previous attempt may be newer than
 * `known.attempt`, if none of its events was stored: its spool then has what it took over from the attempt before it.
 *
 * A task that has ended may come back, as another attempt with the same prompt, branch and workspace, and the whole
 * transcript. The assignment does not say how the attempt before ended, but what is to do: with `messages` people have
 * said more; a new `approved_commit` is pushed as it is; with neither, the attempt before was lost or has failed, and
 * the work goes on where the transcript ends. What else a worker must know it keeps in the workspace, outside of the
 * clones. A message that came during an attempt, and was not in the conversation before the result, starts another
 * attempt: look for messages once more before the result. `succeeded` is to be shown in each attempt anew.
 *
 * The workspace may be another one all the same: it had expired, or was lost or damaged. `repository.ready` names it in
 * `workspace`, and the transcript has that event. An attempt that finds another workspace than the transcript's begins
 * with the branch as it was pushed, tells the model what is and is not there, and lets it have a turn before the end.
 *
 * A question outlives its worker. With `park_after_ms` in its assignment, a worker whose question has waited for that
 * long may commit and push the work, post a result with the status `parked`, and exit. The task then waits without a
 * worker, and the answer starts the next attempt. A worker that does not park waits for as long as it wants: at the
 * deadline the coordinator parks the task for it. An answer is always a message; one that chooses options has their
 * texts, one on each line with `- ` before it where several may be chosen.
 *
 * The transcript has no questions: a worker keeps the open `ref` in the workspace. The next attempt asks again, with
 * the same `ref` and text, takes the answer, and closes the question. Before it has taken the answer it may wait for
 * it, and park. After that the question stays answered, whether it is asked again or not, and no other answer comes: a
 * worker that waits does so until a watchdog ends it, and one that parks has failed with `agent_error`.
 *
 * With `ask_before_push` in the assignment the proxy refuses every push whose commit is not `approved_commit`. The
 * worker keeps its work in the workspace, and names the finished commit in its result: `succeeded` with `held_commit`
 * and its diff. The task then waits for approval without a worker. Once it is approved, the next attempt pushes that
 * same commit, after the setup and verify commands have run again; if it is sent back, it has the person's message. A
 * worker that does not know the field fails with `push_rejected`: the coordinator then asks for what it refused.
 *
 * The forward proxy may ask the person about a host that it refuses. The worker need not wait: where the host is
 * allowed, a message says so. It begins with `[Errand] `, as none of a person does, and answers no question.
 *
 * A push that the forge refuses is no end of the work either: the forge's lines are in the result's `detail`, and the
 * result has the diff of what could not be pushed.
 *
 * The exit code is 0 after a result that was accepted (or answered by `attempt_ended`), and never otherwise. The
 * coordinator goes by the result: once it is stored the exit code changes nothing, and a worker that exits without one
 * is lost, also with code 0.
 *
 * A worker that meets a limit or an outage of the Claude API or the forge waits for a few minutes at most. Then it ends
 * as failed, with `retry_at` in its result where the service named a time. The coordinator starts the next attempt at
 * that time. Without one it tries again for hours, with growing pauses. Neither counts as a failed attempt.
 *
 * `time_limit_ms` counts from the newest `repository.ready` of the first repository. A worker may leave out the time in
 * which a question is open. An attempt that reaches the limit ends its work as after a cancel, with the status `failed`
 * and the reason `time_limit`. A setup command that fails ends it with `setup_failed`.
 *
 * `succeeded` is believed where the events of this attempt agree. There must be a `repository.ready`. If the assignment
 * has a `setup_command`, a `setup.finished` with that command and exit code 0 must follow it. If it has a
 * `verify_command`, the newest `verify.finished` must have that command, `passed` and exit code 0, and no
 * `repository.ready`, `turn.finished`, `tool.started` or `tool.finished` may follow it. It need not run where the
 * result has no commit, held commit or diff in any repository, and no attempt of the task has begun a push that was not
 * refused, as `has_pushed` says of those before. A secret in a command may be masked in the event. Each `commit` but
 * the base must have been pushed to its `branch`, as the proxy has seen, or the repository does not deny. A diff needs
 * a `commit` other than the base, or a `held_commit`. One held commit must wait for approval (`ask_before_push`).
 * `cancelled` needs a cancel. Otherwise the attempt fails, with `setup_failed`, `verify_failed` or else `agent_error`.
 *
 * ## Several repositories
 *
 * A task may have up to `repositories_max` repositories. The fields of the assignment and of the result are about the
 * first one; those beside it are in `repositories`, each with a `key`. What this page says of the repository holds for
 * each of them: the worker clones it, to the folder `key` of the workspace, beside `repo`; it reports a
 * `repository.ready` for it, the first one first, and pushes to the branch `branch` there where the work has changed
 * something. Its git address is `…/git/<key>`. `base_branch`, `work_branch` and `approved_commit` are its own, and so
 * are the credential that the proxy adds, and the commits that count as pushed: what was pushed to one repository may
 * be somebody else's in another.
 *
 * `repository.ready` and `branch.pushed` name it in `repository`. The result has an entry of `repositories` for each
 * one that was cloned; all diffs together are at most `diff_bytes_max`. Where a push fails in one, the work in the
 * others is pushed all the same, and `detail` says where it failed. Setup and verify command, `instructions`, `env` and
 * `secrets` are those of the first.
 *
 * A worker that does so says `takes_repositories` in its `agent.started`, where the assignment has `repositories`.
 * Without that the coordinator ends the attempt with `agent_error`, and answers `stale_attempt`: an older worker would
 * work in the first one alone.
 *
 * ## Versions
 *
 * The two sides are upgraded separately, the coordinator first. A running worker keeps its version, and a newer
 * coordinator serves it to its end: a coordinator supports the version of this page and the one before. So an upgrade
 * that skips no version interrupts no errand.
 *
 * A worker implements one version. It reports it in `/healthz`, which is the same in all versions, and in the header
 * `errand-contract` of its callbacks; without the header it is version 1. It refuses an assignment of another version:
 * with 400 where it was handed over; where it fetched the assignment, it prints the reason and exits with a code other
 * than 0. The coordinator refuses callbacks of an unsupported version with 403 `forbidden`. The message always names
 * both versions and the side to upgrade.
 *
 * Within a version the contract may only grow, on the coordinator's side first:
 *
 *   What a worker sends is validated strictly: an unknown field, value or event type is refused with 400. So is a field
 *   of an object within the body, which `schemas.json` allows where clients read that object too. Only blocks of
 *   content, `input` and `data` may have any fields. A later coordinator may accept more: an optional field, another
 *   value, another event type. It never requires more, and accepts no less than what this contract allows.
 *
 *   What a coordinator sends may gain fields: the assignment, the replies, the pushes, and `control`, where each kind
 *   of control is a field. A worker ignores unknown fields, and transcript events of unknown types, so the coordinator
 *   may not depend on them. An existing field keeps its meaning and gets no new values.
 *
 * Any other change is a new version. `test/worker-contract/` has a recording of what today's workers send; every
 * later coordinator must accept it.
 */

/** The version of the contract on this page. */
export const CONTRACT_VERSION = 1;

/** The contract versions that the coordinator supports: its own and, once there is one, the version before. */
const SUPPORTED_VERSIONS: readonly number[] = [CONTRACT_VERSION];

/** The header of callbacks with the worker's contract version. */
export const CONTRACT_HEADER = 'errand-contract';

/** The label of an image with the contract version of its workers. */
export const CONTRACT_LABEL = 'errand.contract';

/** The version of a worker or image that does not name one. */
export const CONTRACT_VERSION_UNNAMED = 1;

/** Why the coordinator does not support workers of this version, for the server's owner; null where it does. */
export function contractFault(version: number): string | null {
  if (SUPPORTED_VERSIONS.includes(version)) return null;
  return (
    `The worker speaks version ${version} of the worker contract, and this server speaks version ${CONTRACT_VERSION}: ` +
    (version > CONTRACT_VERSION ? 'upgrade the server.' : 'rebuild the worker image.')
  );
}

/** The name of the coordinator's socket in its directory. */
export const COORDINATOR_SOCKET = 'coordinator.sock';
/** The name of the worker's socket in its directory. */
export const WORKER_SOCKET = 'worker.sock';
