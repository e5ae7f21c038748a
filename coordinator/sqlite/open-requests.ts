import { numberOf, sql, type Db } from './database.ts';

/** The tokens of a prompt and their price in US dollars. */
export type OpenPrompt = {
  input_tokens: number;
  cache_write_tokens: number;
  cache_read_tokens: number;
  prompt_usd: number;
};

/**
 * A model request in progress. It costs at most `prompt_usd + output_usd`, where `output_usd` is the price of
 * `max_tokens`. Its row outlives a crash, so that the next start can charge for it.
 */
export type OpenRequest = OpenPrompt & {
  id: number;
  task_id: string;
  attempt: number;
  model: string;
  max_tokens: number;
  output_usd: number;
  at: string;
};

/** Adds a row and returns its id. */
export function insertOpenRequest(db: Db, request: Omit<OpenRequest, 'id'>): number {
  const { lastInsertRowid } = sql(
    db,
    `INSERT INTO open_requests
       (task_id, attempt, model, input_tokens, cache_write_tokens, cache_read_tokens, prompt_usd, max_tokens, output_usd, at)
     VALUES
       (:task_id, :attempt, :model, :input_tokens, :cache_write_tokens, :cache_read_tokens, :prompt_usd, :max_tokens, :output_usd, :at)`,
  ).run(request);
  return Number(lastInsertRowid);
}

/** Stores the model and the prompt's tokens as the API reported them when its answer began, at the ISO time `at`. */
export function updateOpenPrompt(db: Db, id: number, prompt: OpenPrompt & { model: string; at: string }): void {
  sql(
    db,
    `UPDATE open_requests SET model = :model, input_tokens = :input_tokens, cache_write_tokens = :cache_write_tokens,
       cache_read_tokens = :cache_read_tokens, prompt_usd = :prompt_usd, at = :at
     WHERE id = :id`,
  ).run({ ...prompt, id });
}

/** Deletes a request that has ended and was charged for. */
export function deleteOpenRequest(db: Db, id: number): void {
  sql(db, 'DELETE FROM open_requests WHERE id = ?').run(id);
}

/** The most that all requests in progress of a task may cost, in US dollars. */
export function sumOpenRequests(db: Db, task_id: string): number {
  return numberOf(db, 'SELECT total(prompt_usd + output_usd) FROM open_requests WHERE task_id = ?', task_id);
}

/** All requests in progress of all tasks, with the owners of the tasks. */
export function listOpenRequests(db: Db): (OpenRequest & { user_id: string })[] {
  return sql<OpenRequest & { user_id: string }>(
    db,
    'SELECT open_requests.*, user_id FROM open_requests JOIN tasks ON tasks.id = task_id ORDER BY open_requests.id',
  ).all();
}
