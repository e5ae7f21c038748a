import type { IncomingMessage, ServerResponse } from 'node:http';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Usage } from '../../../protocol/task.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import type { Logger } from '../../base/logger.ts';
import type { Prices } from '../../domain/prices.ts';
import { abortOnClose } from '../abort-on-close.ts';
import { readRawBody } from '../body.ts';
import type { Caller, WorkerProxy } from '../caller.ts';
import { ConcurrencyLimit } from '../concurrency-limit.ts';
import { remaining, writeLlmError } from './error.ts';
import { Ledger, type Reservation } from './ledger.ts';
import { Meter, type Metered } from './meter.ts';
import { readRequest, withMaxTokens, type LlmRequest } from './policy.ts';
import { RequestCost } from './request-cost.ts';
import { streamResponse } from './stream-response.ts';
import type { OutgoingProxy } from '../../base/outgoing.ts';
import { ClaudeApi, TIMEOUTS, type Timeouts, type Upstream } from './upstream.ts';

export type LlmDependencies = {
  log: EventLog;
  logger: Logger;
  prices: Prices;
  upstream: Upstream;
  /** For tests. Those that are missing have their defaults. */
  timeouts?: Partial<Timeouts>;
  proxy?: OutgoingProxy;
};

const MESSAGES = '/v1/messages';
const COUNT_TOKENS = '/v1/messages/count_tokens';

/** One request in progress. `signal` aborts when the worker hangs up or its attempt ends. */
type Exchange = { request: IncomingMessage; response: ServerResponse; caller: Caller; signal: AbortSignal };

/**
 * Forwards the tasks' requests to the Claude API. It replaces the worker's token by the server's API key, streams
 * bytes both ways as they arrive, and reads the cost from the answer as it passes.
 */
export class ModelProxy implements WorkerProxy {
  readonly writeError = writeLlmError;
  readonly #api: ClaudeApi;
  readonly #ledger: Ledger;
  readonly #logger: Logger;
  readonly #limit = new ConcurrencyLimit(LIMITS.llm_requests_at_once_max, {
    detail: 'The task has too many model requests at once.',
  });

  constructor({ log, logger, prices, upstream, timeouts, proxy }: LlmDependencies) {
    this.#api = new ClaudeApi(upstream, { ...TIMEOUTS, ...timeouts }, proxy);
    this.#ledger = new Ledger(log, prices, logger);
    this.#logger = logger;
  }

  /** Forwards one request. Rejects with an `ErrandError`; a worker that hung up is no error. */
  async forward(request: IncomingMessage, response: ServerResponse, caller: Caller, path: string): Promise<void> {
    try {
      await this.#limit.run(caller.task_id, () => this.#forward(request, response, caller, path));
    } catch (cause) {
      if (caller.signal.aborted) throw new ErrandError('attempt_ended', 'The attempt has ended.', { cause });
      if (cause instanceof ErrandError || !response.destroyed) throw cause;
    }
  }

  /** Closes the connections to the API, and ends the requests in progress. */
  close(): Promise<void> {
    return this.#api.close();
  }

  async #forward(request: IncomingMessage, response: ServerResponse, caller: Caller, path: string): Promise<void> {
    const route = routeOf(request, path);
    const signal = abortOnClose(response, caller.signal);
    const raw = await readRawBody(request, LIMITS.llm_body_bytes_max);
    signal.throwIfAborted();
    const wanted = readRequest(raw);
    this.#ledger.priceOf(wanted.model);
    if (route === MESSAGES) return this.#sendMessages(wanted, raw, { request, response, caller, signal });
    const answer = await this.#api.post(COUNT_TOKENS, raw, request.headers, signal);
    await streamResponse(answer, response, { signal, headers: {} });
  }

  /** Reserves budget for a request that creates a message, sends it, and charges what it cost. */
  async #sendMessages(wanted: LlmRequest, raw: Buffer, exchange: Exchange): Promise<void> {
    const { max_tokens, max_tokens_at } = wanted;
    if (max_tokens === undefined || !max_tokens_at) throw new ErrandError('invalid', 'max_tokens: Field required');
    const reservation = await this.#ledger.reserve(exchange.caller, { ...wanted, max_tokens });
    const body = reservation.max_tokens < max_tokens ? withMaxTokens(raw, max_tokens_at, reservation.max_tokens) : raw;
    const cost = new RequestCost(wanted);
    try {
      await this.#stream(body, exchange, reservation, cost);
    } finally {
      const metered = cost.result();
      this.#logOutcome(exchange, cost.status, metered, this.#ledger.settle(reservation, metered));
    }
  }

  async #stream(body: Buffer, exchange: Exchange, reservation: Reservation, cost: RequestCost): Promise<void> {
    const { request, response, signal } = exchange;
    signal.throwIfAborted();
    cost.sent();
    const answer = await this.#api.post(MESSAGES, body, request.headers, signal).catch((error: unknown) => {
      if (!signal.aborted) cost.refused();
      throw error;
    });
    const is_stream = String(answer.headers['content-type']).startsWith('text/event-stream');
    const meter = cost.answered(answer.statusCode, () => {
      return new Meter(is_stream, (model, prompt) => this.#ledger.recordPrompt(reservation, model, prompt));
    });
    await streamResponse(answer, response, { signal, meter, headers: remaining(reservation.left_usd) });
  }

  #logOutcome({ request, caller }: Exchange, status: number | undefined, metered?: Metered, usage?: Usage): void {
    const { task_id, attempt } = caller;
    const retry = request.headers['x-stainless-retry-count'];
    const fields = { task_id, attempt, status, retry, model: metered?.model, usage };
    if (metered?.complete === false) this.#logger.warn(fields, 'model request cut off; cost estimated');
    else this.#logger.debug(fields, 'model request forwarded');
  }
}

/**
 * The API's route for a request. Throws `unsupported_media_type` for a compressed body, and `not_found` for any other
 * path.
 */
function routeOf(request: IncomingMessage, path: string): string {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    throw new ErrandError('unsupported_media_type', `A body with the content encoding ${encoding} is not supported.`);
  // Older clients add a query without meaning.
  const route = path.replace(/\?beta=true$/, '');
  if (request.method === 'POST' && (route === MESSAGES || route === COUNT_TOKENS)) return route;
  throw new ErrandError('not_found', `Of the Claude API only POST ${MESSAGES} and POST ${COUNT_TOKENS} are available.`);
}
