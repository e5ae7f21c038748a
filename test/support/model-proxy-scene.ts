import { join } from 'node:path';
import Anthropic, { APIUserAbortError } from '@anthropic-ai/sdk';
import type { BetaMessageStream } from '@anthropic-ai/sdk/lib/BetaMessageStream';
import type { BetaMessageStreamParams } from '@anthropic-ai/sdk/resources/beta/messages';
import type { ExecutionContext } from 'ava';
import { ModelProxy, type LlmDependencies } from '../../coordinator/worker-api/model/model-proxy.ts';
import type { Timeouts, Upstream } from '../../coordinator/worker-api/model/upstream.ts';
import { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { createLogger } from '../../coordinator/base/logger.ts';
import { ThreadPool } from '../../coordinator/base/threads.ts';
import { DispatchGate } from '../../coordinator/tasks/dispatch-gate.ts';
import { type Prices } from '../../coordinator/domain/prices.ts';
import { readPrices } from '../../coordinator/operations/price-table.ts';
import type { Db } from '../../coordinator/sqlite/database.ts';
import { openTestDatabase } from './test-database.ts';
import type { EventRow } from '../../coordinator/sqlite/events.ts';
import { findTask, insertTask } from '../../coordinator/sqlite/tasks.ts';
import { insertUser } from '../../coordinator/sqlite/users.ts';
import { newTask, type TaskRow } from '../../coordinator/domain/task.ts';
import { newId } from '../../protocol/ids.ts';
import { memoryFolder } from './folder.ts';
import { startModel, type ModelOptions, type ModelServer } from './model/server.ts';
import { serveWorkerProxy, type WorkerProxyServer } from './worker-proxy-server.ts';
import { SILENT } from './silent.ts';

/** A small request. */
export const ASK = {
  model: 'claude-sonnet-5-5',
  max_tokens: 2000,
  messages: [{ role: 'user', content: 'Say something.' }],
} satisfies BetaMessageStreamParams;

/** Hangs up, as a worker does that has to stop. */
export async function leave(t: ExecutionContext, stream: BetaMessageStream): Promise<void> {
  const gone = t.throwsAsync(stream.done(), { instanceOf: APIUserAbortError });
  stream.abort();
  await gone;
}

export type ModelProxyScene = WorkerProxyServer & {
  proxy: ModelProxy;
  model: ModelServer;
  gate: DispatchGate;
  db: Db;
  client: Anthropic;
  /** The task's current row. */
  task: () => TaskRow;
  /** The published events. */
  rows: EventRow[];
  lines: string[];
};

type Options = ModelOptions & {
  budget_usd?: number;
  timeouts?: Partial<Timeouts>;
  upstream?: Partial<Upstream>;
  prices?: Prices;
  rules?: LlmDependencies['rules'];
  caps?: LlmDependencies['caps'];
};

/** The model proxy for one task, between the real SDK and the model server. Stops with the test. */
export async function startModelProxy(t: ExecutionContext, options: Options = {}): Promise<ModelProxyScene> {
  const folder = await memoryFolder(t);
  const model = await startModel(options);
  t.teardown(model.close);
  const db = openTestDatabase(join(folder, 'errand.db'));
  const rows: EventRow[] = [];
  const log = new EventLog({ db, logger: SILENT });
  log.subscribeToAll((added) => rows.push(...added));
  const user_id = newId();
  insertUser(db, {
    id: user_id,
    email: 'a@b.cd',
    password_hash: '',
    role: 'owner',
    created_at: new Date().toISOString(),
  });
  const row = taskRow(user_id, options.budget_usd ?? 5);
  insertTask(db, row);
  const lines: string[] = [];
  const gate = new DispatchGate(SILENT);
  const prices = options.prices ?? readPrices(undefined);
  const proxy = new ModelProxy({
    log,
    gate,
    logger: createLogger('debug', { write: (line) => lines.push(line) }),
    prices,
    caps: options.caps ?? {},
    rules: options.rules ?? (() => ({ models: [...prices.models()], max_tokens: null })),
    upstream: { base_url: model.base_url, api_key: model.api_key, ...options.upstream },
    threads: new ThreadPool(),
    ...(options.timeouts && { timeouts: options.timeouts }),
  });
  const server = await serveWorkerProxy(t, proxy, row.id);
  server.caller.user_id = user_id;
  t.teardown(async () => {
    await proxy.close();
    db.close();
  });
  const client = new Anthropic({ apiKey: 'the-task-token', baseURL: server.url });
  const task = () => {
    const found = findTask(db, row.id);
    if (!found) throw new Error('The task is gone.');
    return found;
  };
  return { ...server, proxy, gate, model, db, client, task, rows, lines };
}

function taskRow(user_id: string, budget_usd: number): TaskRow {
  const at = new Date().toISOString();
  const fields = { user_id, project_id: null, repo_url: 'https://example.org/a/b', prompt: 'p', base_branch: null };
  const limits = { model: 'claude-sonnet-5-5', budget_usd, max_turns: 10, priority: 0 };
  return { ...newTask({ ...fields, ...limits }, at), status: 'running', attempt: 1, started_at: at };
}
