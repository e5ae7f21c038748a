import { once } from 'node:events';
import { createServer, request as open } from 'node:http';
import { Agent } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { pino } from 'pino';
import { ThreadPool } from '../../../coordinator/base/threads.ts';
import { DispatchGate } from '../../../coordinator/tasks/dispatch-gate.ts';
import { openTestDatabase } from '../test-database.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { listOpenRequests } from '../../../coordinator/sqlite/open-requests.ts';
import { readPrices } from '../../../coordinator/operations/price-table.ts';
import { ModelProxy } from '../../../coordinator/worker-api/model/model-proxy.ts';
import type { Timeouts } from '../../../coordinator/worker-api/model/upstream.ts';
import { addTask, addUser, taskOf } from '../fixtures.ts';
import { temporaryFolder } from '../folder.ts';
import { SILENT } from '../silent.ts';
import { until } from '../until.ts';

/** What a worker got. `aborted`: it hung up. */
type Reply = { status: number; headers: Record<string, unknown>; body: string } | 'aborted';

export type Errands = {
  url: string;
  /** Adds an errand with this budget; returns its id. */
  add: (budget_usd: number) => string;
  spent: (id: string) => number;
  /** Resolves once none of the errand's requests is in progress. */
  settled: (id: string) => Promise<void>;
  /** Sends a request. `hang_up`: before the head of the response, or after its first bytes. */
  post: (id: string, body: string, hang_up?: 'before' | 'during') => Promise<Reply>;
};

/** The model proxy for many errands at once, in front of the API at `base_url`. Stops with the test. */
export async function startErrands(
  t: ExecutionContext,
  base_url: string,
  timeouts: Partial<Timeouts> = {},
): Promise<Errands> {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  const log = new EventLog({ db, logger: SILENT });
  const user_id = addUser(log);
  const prices = readPrices(undefined);
  const logger = pino({ level: 'silent' });
  const proxy = new ModelProxy({
    log,
    gate: new DispatchGate(SILENT),
    logger,
    prices,
    caps: {},
    rules: () => ({ models: [...prices.models()], max_tokens: null }),
    upstream: { base_url, api_key: 'k' },
    threads: new ThreadPool(),
    timeouts,
  });
  const never = new AbortController().signal;
  const server = createServer((request, response) => {
    const [, task_id = '', path = ''] = /^\/([^/]+)(\/.*)$/.exec(request.url ?? '') ?? [];
    proxy.forward(request, response, { task_id, user_id, attempt: 1, signal: never }, path).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else proxy.writeError(response, error, 'r');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const agent = new Agent({ keepAlive: true });
  t.teardown(async () => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
    await proxy.close();
    db.close();
  });
  return {
    url,
    add: (budget_usd) => addTask(log, user_id, { budget_usd, model: 'claude-sonnet-5-5' }).id,
    spent: (id) => taskOf(log, id).usage.cost_usd,
    settled: async (id) => {
      await until('nothing is in progress', () => !listOpenRequests(db).some(({ task_id }) => task_id === id));
    },
    post: (id, body, hang_up) => post(`${url}/${id}/v1/messages`, body, agent, hang_up),
  };
}

function post(url: string, body: string, agent: Agent, hang_up?: 'before' | 'during'): Promise<Reply> {
  const { promise, resolve } = Promise.withResolvers<Reply>();
  const request = open(url, { method: 'POST', agent, headers: { 'content-type': 'application/json' } });
  const leave = () => {
    request.destroy();
    resolve('aborted');
  };
  request.on('error', () => resolve('aborted'));
  request.on('response', (response) => {
    if (hang_up === 'during') return leave();
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', () => resolve('aborted'));
    response.on('end', () => {
      const { statusCode: status = 0, headers } = response;
      resolve({ status, headers, body: Buffer.concat(chunks).toString() });
    });
  });
  request.end(body, () => {
    if (hang_up === 'before') setTimeout(leave, 1);
  });
  return promise;
}
