import { sql, type Db } from './database.ts';

/** What Errand says at a forge. Times are ISO. */
export type WordsRow = {
  /** Also in the text: Errand knows its own words by it. */
  id: string;
  forge_id: string;
  user_id: string;
  /** Null: the request was refused. */
  task_id: string | null;
  project_id: string | null;
  /** `status`: what becomes of a request, kept up to date. `answer`: to what was asked in a review. */
  kind: 'status' | 'answer';
  repo_url: string;
  /** Of the issue or pull request. */
  number: number;
  /** The comment on lines in whose thread it stands, as JSON. */
  reply_to: string | null;
  /** The thread that it resolves. */
  resolves: string | null;
  body: string;
  /** 1: it may be there, and its id is not known. */
  begun: number;
  /** The forge's id, once it is there. */
  comment_id: string | null;
  tries: number;
  /** When it is written next; null: it is written. */
  next_at: string | null;
  /** Since when this text is to be written. */
  created_at: string;
};

/** Adds words that are to be written now. */
export function insertWords(db: Db, words: Omit<WordsRow, 'begun' | 'comment_id' | 'tries' | 'next_at'>): void {
  sql(
    db,
    `INSERT INTO forge_words (id, forge_id, user_id, task_id, project_id, kind, repo_url, number, reply_to, resolves, body, next_at, created_at)
     VALUES (:id, :forge_id, :user_id, :task_id, :project_id, :kind, :repo_url, :number, :reply_to, :resolves, :body, :created_at, :created_at)`,
  ).run(words);
}

export function findWords(db: Db, id: string): WordsRow | undefined {
  return sql<WordsRow>(db, 'SELECT * FROM forge_words WHERE id = ?').get(id);
}

/** The words on what becomes of a task, one wherever somebody asked for it, oldest first. */
export function listStatusWords(db: Db, task_id: string): WordsRow[] {
  return sql<WordsRow>(db, `SELECT * FROM forge_words WHERE task_id = ? AND kind = 'status' ORDER BY id`).all(task_id);
}

/** Makes words on what becomes of a task the answer to what was asked there: they are not kept up to date any more. */
export function turnIntoAnswer(
  db: Db,
  { id, body, resolves }: Pick<WordsRow, 'id' | 'body' | 'resolves'>,
  now: string,
): void {
  sql(
    db,
    `UPDATE forge_words SET kind = 'answer', body = :body, resolves = :resolves, created_at = :now, next_at = :now, tries = 0
     WHERE id = :id`,
  ).run({ id, body, resolves, now });
}

/** Replaces the text. It is written again, with all its tries, if it differs. */
export function updateWords(db: Db, id: string, body: string, now: string): boolean {
  return (
    sql(
      db,
      'UPDATE forge_words SET body = :body, created_at = :now, next_at = :now, tries = 0 WHERE id = :id AND body <> :body',
    ).run({ id, body, now }).changes === 1
  );
}

/** The issue or pull request that words are said in. */
export function threadOf({ repo_url, number }: Pick<WordsRow, 'repo_url' | 'number'>): string {
  return `${repo_url}#${number}`;
}

/** The words that are due, those that wait for longest first, without those of some forges and some threads. */
export function listDueWords(db: Db, now: string, limit: number, without: { forge_ids: string[]; threads: string[] }) {
  return sql<WordsRow>(
    db,
    `SELECT * FROM forge_words WHERE next_at <= :now AND forge_id NOT IN (SELECT value FROM json_each(:forge_ids))
       AND repo_url || '#' || number NOT IN (SELECT value FROM json_each(:threads))
     ORDER BY next_at, id LIMIT :limit`,
  ).all({ now, limit, forge_ids: JSON.stringify(without.forge_ids), threads: JSON.stringify(without.threads) });
}

/** When the next words are due that are not due at `now`. Undefined: none wait. */
export function nextWordsAt(db: Db, now: string): string | undefined {
  const row = sql<{ at: string | null }>(db, 'SELECT min(next_at) AS at FROM forge_words WHERE next_at > ?').get(now);
  return row?.at ?? undefined;
}

/** Makes due at `now` what is due after `latest`. Returns how many. */
export function bringWordsForward(db: Db, latest: string, now: string): number {
  return sql(db, 'UPDATE forge_words SET next_at = :now WHERE next_at > :latest').run({ latest, now }).changes;
}

/** Notes that the words are about to be posted, perhaps once more: where they are is not known until then. */
export function beginWords(db: Db, id: string): void {
  sql(db, 'UPDATE forge_words SET begun = 1, comment_id = NULL WHERE id = ?').run(id);
}

/** Notes where the words are. They are due again if their text has changed meanwhile. */
export function settleWords(db: Db, { id, body }: Pick<WordsRow, 'id' | 'body'>, comment_id: string | null): void {
  sql(
    db,
    `UPDATE forge_words SET comment_id = coalesce(:comment_id, comment_id), tries = 0,
       next_at = CASE WHEN body = :body THEN NULL ELSE next_at END WHERE id = :id`,
  ).run({ id, body, comment_id });
}

/** Puts off words that could not be written. */
export function postponeWords(db: Db, id: string, next_at: string): void {
  sql(db, 'UPDATE forge_words SET next_at = ?, tries = tries + 1 WHERE id = ? AND next_at IS NOT NULL').run(
    next_at,
    id,
  );
}
