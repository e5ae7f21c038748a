import { LIMITS } from '../../../protocol/limits.ts';
import type { DueQueue } from '../../base/due-queue.ts';
import type { Logger } from '../../base/logger.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import {
  beginWords,
  bringWordsForward,
  findWords,
  listDueWords,
  nextWordsAt,
  postponeWords,
  settleWords,
  threadOf,
  type WordsRow,
} from '../../sqlite/forge-words.ts';
import type { ForgeAccess, OpenForge } from '../forge-access.ts';
import { isDenied, isMissing, isRefusal } from '../forge-api-error.ts';
import { signatureOf } from '../own-words.ts';
import { readComment } from '../stored-json.ts';
import { openFor } from './asker.ts';
import { retryingQueue, type RetryTimes } from './retries.ts';

const AT_ONCE_MAX = 8;
/** So that a forge that does not answer leaves room for others. */
const AT_ONE_FORGE_MAX = 4;
/** So many tries wait for the key of the app, for about half an hour, before its words come anew from a person. */
const KEY_TRIES_MAX = 6;

type Dependencies = { log: EventLog; access: ForgeAccess; times: RetryTimes; now: () => number; logger: Logger };

/**
 * Writes at forges what is to be said there. That it may be there is stored before it is posted: a server that died in
 * between looks for its own words before it posts them again.
 */
export function wordsQueue({ log, access, times, now, logger }: Dependencies): DueQueue<WordsRow> {
  const settle = ({ id, body }: WordsRow, comment_id: string | null) =>
    log.write(({ db }) => settleWords(db, { id, body }, comment_id));
  const write = async (due: WordsRow, signal: AbortSignal): Promise<void> => {
    // The text may have changed since the queue was read.
    const row = findWords(log.db, due.id);
    if (!row || row.next_at === null) return;
    try {
      const open = await openFor(access, row, row.repo_url);
      if (!open) return settle(row, null);
      settle(row, await put({ log, access }, open, row, signal));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      logger.info({ err: error, words: row.id, task_id: row.task_id }, 'forge takes no comment: given up');
      settle(row, null);
    }
  };
  return retryingQueue({
    name: 'words',
    listDue: (at, limit, { full, busy }) => listDueWords(log.db, at, limit, { forge_ids: full, threads: busy }),
    nextAt: (at) => nextWordsAt(log.db, at),
    bringForward: (latest, at) => log.write(({ db }) => bringWordsForward(db, latest, at)),
    keyOf: threadOf,
    at_once_max: AT_ONCE_MAX,
    groupsOf: ({ forge_id }) => [{ name: forge_id, at_once_max: AT_ONE_FORGE_MAX }],
    work: write,
    cameAt: ({ created_at }) => created_at,
    postpone: ({ id }, next_at) => log.write(({ db }) => postponeWords(db, id, next_at)),
    giveUp: (row) => settle(row, null),
    times,
    now,
    logger,
  });
}

/**
 * Posts the words, or changes those that are there. Where these may not be changed, as those of an app that is gone by
 * a person, they come anew. Where its key is refused, as may pass, they wait a while before. Resolves with the id that
 * the forge gave them.
 */
async function put(
  { log, access: forge_access }: Pick<Dependencies, 'log' | 'access'>,
  open: OpenForge,
  row: WordsRow,
  signal: AbortSignal,
): Promise<string> {
  const { client, repository, token } = open;
  const access = { token, signal };
  const known = row.comment_id ?? (row.begun === 1 ? await findOwn(open, row, signal) : undefined);
  if (known !== undefined && (await edit(known))) {
    await resolve();
    return known;
  }
  log.write(({ db }) => beginWords(db, row.id));
  const reply_to = readComment(row.reply_to);
  const written = reply_to
    ? await client.reply(access, repository, row.number, reply_to, row.body)
    : await client.comment(access, repository, row.number, row.body);
  await resolve();
  return written.id;

  /** False: the token may not change that comment. */
  async function edit(comment_id: string, by = open): Promise<boolean> {
    try {
      await by.client.editComment({ token: by.token, signal }, repository, comment_id, row.body);
      return true;
    } catch (error) {
      if (!isDenied(error) || isMissing(error)) throw error;
      if (by.as === 'app' || row.tries >= KEY_TRIES_MAX) return false;
      const app = await forge_access.forApp(row.repo_url);
      return app !== undefined && edit(comment_id, app);
    }
  }

  async function resolve(): Promise<void> {
    if (row.resolves !== null) await client.resolve(access, repository, row.number, row.resolves);
  }
}

async function findOwn({ client, repository, token }: OpenForge, row: WordsRow, signal: AbortSignal) {
  const thread = await client.thread({ token, signal }, repository, row.number, LIMITS.comments_searched_max);
  return thread.comments.findLast(({ body }) => signatureOf(body) === row.id)?.id;
}
