import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { isEnded } from '../../../protocol/task.ts';
import type { Db } from '../../sqlite/database.ts';
import type { Tx } from '../../sqlite/event-log.ts';
import { findThreadTask, insertRequest, isRequestKnown, listToldRequests } from '../../sqlite/forge-requests.ts';
import { insertItem, nextItemNumber } from '../../sqlite/follow-ups.ts';
import { insertWords } from '../../sqlite/forge-words.ts';
import { listPullsOf } from '../../sqlite/pulls.ts';
import { findTaskOf } from '../../sqlite/tasks.ts';
import type { TaskRow } from '../../domain/task.ts';
import { repositoryAt } from '../../tasks/require-repository.ts';
import { addMessage, createTask, type TaskDefaults } from '../../tasks/task-commands.ts';
import type { OpenForge } from '../forge-access.ts';
import type { ForgeEvent, Thread } from '../forge.ts';
import { isRefusal, undefinedIf } from '../forge-api-error.ts';
import { sign } from '../own-words.ts';
import { addressOf } from '../repository-name.ts';
import { storedComment } from '../stored-json.ts';
import { requireFreeUnderOtherNames } from '../work-branch.ts';
import { askOf, LABEL, requestIn, type Ask } from './ask.ts';
import { findAsker, type Asker } from './asker.ts';
import { letGoOn } from './go-back.ts';
import { messageFor, promptFor, titleFor } from './material.ts';
import type { Effect, PlanParts } from './plan.ts';
import { refusalWords } from './public-reasons.ts';
import { answeringPull } from './pull-of-errand.ts';
import { asRead } from './read-back.ts';
import { untold } from './untold.ts';
import { statusWords } from './words.ts';
import { workPlace, type WorkPlace } from './work-place.ts';

/** A wish of a person of this server, with what was read at the forge. */
type Wish = {
  forge_id: string;
  ask: Ask;
  asker: Asker;
  thread: Thread;
  repo_url: string;
  repository_id: string;
  place: WorkPlace;
};

/**
 * What follows from a mention or the label. Undefined: nothing, since a stranger asked, or it has acted already.
 * Rejects where the forge cannot be asked now.
 */
export async function planAsk(
  parts: PlanParts,
  forge: { id: string; origin: string; names: readonly string[] },
  event: ForgeEvent,
  hint: Ask,
  signal: AbortSignal,
): Promise<Effect | undefined> {
  const { db } = parts.log;
  const { id: repository_id } = event.repository;
  const repo_url = addressOf(forge.origin, event.repository);
  const { number } = hint;
  if (isRequestKnown(db, { forge_id: forge.id, repository_id, number }, hint.source)) return undefined;
  const asker = await findAsker({ db, ...parts }, forge.origin, repo_url, hint.person, signal);
  if (!asker) return undefined;
  const { client, repository, token } = asker.open;
  // Others may have written much since.
  const whole = await client
    .thread({ token, signal }, repository, number, LIMITS.comments_searched_max)
    .catch(undefinedIf(isRefusal));
  if (!whole) {
    parts.logger.warn({ repo_url, number }, 'forge refuses to show an issue: request ignored');
    return undefined;
  }
  const read = asRead(event, whole);
  const asked = read && askOf(read, forge.names);
  const ask = asked?.by_label
    ? await ifSetBy(asked, whole, asker.open, { at: event.at, names: forge.names }, signal)
    : asked;
  if (!ask) {
    parts.logger.info({ repo_url, number }, 'forge shows no such request: webhook ignored');
    return undefined;
  }
  const place = await freePlace(parts, asker, await workPlace(asker.open, ask, signal));
  const wish = { forge_id: forge.id, ask, asker, thread: whole, repo_url, repository_id, place };
  return (tx) => fulfil(tx, parts, wish);
}

/** The same place; or a refusal, where another errand works on that branch under another name of the repository. */
async function freePlace(
  { log, access }: PlanParts,
  { user_id, project }: Asker,
  place: WorkPlace,
): Promise<WorkPlace> {
  if (place instanceof ErrandError || place.work_branch === undefined) return place;
  const where = { user_id, project_id: project.id, repo_url: project.repo_url };
  try {
    await requireFreeUnderOtherNames(log.db, access, where, place.work_branch, '/work_branch');
  } catch (error) {
    if (error instanceof ErrandError) return error;
    throw error;
  }
  return place;
}

/** A label that was set so soon after the issue was opened, by whoever opened it, was chosen with it. */
const CREATION_MS = 10_000;
/** How long before the event a label may have been set, as the clocks of a forge have it. */
const LABEL_SLACK_MS = 10 * 60_000;

/**
 * The wish, if whoever is said to have set the label has, as the forge's own list has it. Each time it is set acts
 * once, and one that came with the issue is one with what the issue's text asks for. Undefined: they have not.
 */
async function ifSetBy(
  ask: Ask,
  thread: Thread,
  { client, repository, token }: OpenForge,
  { at, names }: { at: string | null; names: readonly string[] },
  signal: AbortSignal,
): Promise<Ask | undefined> {
  const since = at === null ? null : new Date(Date.parse(at) - LABEL_SLACK_MS).toISOString();
  const set = await client
    .labeledBy({ token, signal }, repository, ask.number, LABEL, since)
    .catch(undefinedIf(isRefusal));
  if (set?.person.id !== ask.person.id) return undefined;
  const with_issue =
    thread.author.id === ask.person.id && Date.parse(set.at) - Date.parse(thread.created_at) <= CREATION_MS;
  if (!with_issue) return { ...ask, source: `labeled:${ask.number}:${set.id}` };
  // One act: what the text asks for counts, whichever event comes first.
  const request = requestIn(thread.body, names) ?? '';
  return { ...ask, source: `opened:${ask.number}`, request };
}

/** Starts or continues the errand, and says so at the forge; or says there why it was refused. */
function fulfil(tx: Tx, { config, models, link, logger }: PlanParts, wish: Wish): void {
  const { forge_id, ask, asker, repo_url, repository_id } = wish;
  const key = { forge_id, repository_id, number: ask.number };
  const { user_id, project } = asker;
  if (isRequestKnown(tx.db, key, ask.source)) return;
  const at = new Date().toISOString();
  const words = { forge_id, user_id, project_id: project.id, repo_url, number: ask.number, created_at: at };
  const reply_to = ask.comment?.review ? storedComment(ask.comment) : null;
  const status = { ...words, id: newId(), kind: 'status' as const, reply_to, resolves: null };
  try {
    const task = proceed(tx, { config, models }, wish, at);
    insertRequest(tx.db, { ...key, source: ask.source, user_id, task_id: task.id }, at);
    const body = sign(statusWords({ task, link: link(task.id), needs: [], pull: undefined }), status.id);
    insertWords(tx.db, { ...status, task_id: task.id, body });
  } catch (error) {
    // The person's own limits: they learn of it where they asked.
    if (!(error instanceof ErrandError)) throw error;
    logger.info({ err: error, user_id, repo_url, number: ask.number }, 'request of a forge refused');
    insertRequest(tx.db, { ...key, source: ask.source, user_id, task_id: null }, at);
    insertWords(tx.db, { ...status, task_id: null, body: sign(refusalWords(error), status.id) });
  }
}

/** Sends a message to the task that is at work on this, or starts one. */
function proceed(
  tx: Tx,
  defaults: TaskDefaults,
  { forge_id, ask, asker, thread, repository_id, place }: Wish,
  at: string,
): TaskRow {
  const { user_id, project, open } = asker;
  const asked = {
    request: ask.request,
    login: ask.person.login,
    repository: `${open.repository.owner}/${open.repository.name}`,
  };
  const key = { forge_id, repository_id, number: ask.number };
  const task = taskAtWork(tx.db, key, user_id);
  if (!task) {
    if (place instanceof ErrandError) throw place;
    const texts = { prompt: promptFor(asked, newest(thread)), title: titleFor(asked, thread) };
    return createTask(tx, defaults, user_id, { project_id: project.id, ...texts, ...place });
  }
  const n = ask.comment?.review ? nextItemNumber(tx.db, task.id) : null;
  const text = messageFor(asked, {
    url: ask.comment?.url ?? thread.url,
    comment: ask.comment,
    n,
    untold: newest(untold(thread, listToldRequests(tx.db, key, task.id), ask.source)),
  });
  const send = (message: string) => addMessage(tx, user_id, task.id, { text: message }, defaults.models).message_id;
  letGoOn(tx, task, send, at);
  const message_id = send(text);
  if (n !== null) {
    const comment = ask.comment && storedComment(ask.comment);
    const repo_url = answeringPull(tx.db, key, user_id)?.repo_url ?? null;
    const commit_before = repositoryAt(tx.db, task, repo_url).result?.commit ?? null;
    const item = { task_id: task.id, n, forge_id, repo_url, number: ask.number, comment, commit_before, message_id };
    insertItem(tx.db, item);
  }
  return findTaskOf(tx.db, user_id, task.id) ?? { ...task, updated_at: at };
}

/** The person's task that this issue or pull request belongs to: it has not ended, or its pull request is open. */
function taskAtWork(
  db: Db,
  thread: { forge_id: string; repository_id: string; number: number },
  user_id: string,
): TaskRow | undefined {
  const own = answeringPull(db, thread, user_id);
  const of_pull = own && findTaskOf(db, user_id, own.task_id);
  if (of_pull) return of_pull;
  const task_id = findThreadTask(db, thread, user_id);
  const task = task_id === undefined ? undefined : findTaskOf(db, user_id, task_id);
  if (!task) return undefined;
  const goes_on = !isEnded(task.status) || listPullsOf(db, task.id).some(({ state }) => state === 'open');
  return goes_on ? task : undefined;
}

function newest(thread: Thread): Thread {
  const { comments, cut } = thread;
  const { thread_comments_max } = LIMITS;
  return {
    ...thread,
    comments: comments.slice(-thread_comments_max),
    cut: cut || comments.length > thread_comments_max,
  };
}
