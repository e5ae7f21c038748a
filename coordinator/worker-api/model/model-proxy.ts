import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Dispatcher } from 'undici';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { Usage } from '../../../protocol/task.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import type { Logger } from '../../base/logger.ts';
import type { Prices } from '../../domain/prices.ts';
import type { Caller, WorkerProxy } from '../caller.ts';
import { readRawBody } from '../body.ts';
import { ConcurrencyLimit } from '../concurrency-limit.ts';
import { untilClosed } from '../abort-on-close.ts';
import { remaining, writeLlmError } from './error.ts';
import { responseHeaders } from './headers.ts';
import { Ledger } from './ledger.ts';
import { Meter, type Metered } from './meter.ts';
import { readRequest, withMaxTokens, type LlmRequest } from './policy.ts';
import { ClaudeApi, TIMEOUTS, type Timeouts, type Upstream } from './upstream.ts';

export type LlmDependencies = {
  log: EventLog;
  logger: Logger;
  prices: Prices;
  upstream: Upstream;
  /** Tests set these; they have their defaults. */
  timeouts?: Partial<Timeouts>;
};

const MESSAGES = '/v1/messages';
const COUNT_TOKENS = '/v1/messages/count_tokens';

/**
 * Carries the Claude API for the tasks. The worker's token stays here and the server's key goes on; bytes stream both ways as they come, and what
 * it costs is read from the answer as it passes.
 */
export class ModelProxy implements WorkerProxy {
  readonly writeError = writeLlmError;
  readonly #api: ClaudeApi;
  readonly #ledger: Ledger;
  readonly #logger: Logger;
  readonly #slots = new ConcurrencyLimit(LIMITS.llm_requests_at_once_max);

  constructor({ log, logger, prices, upstream, timeouts }: LlmDependencies) {
    this.#api = new ClaudeApi(upstream, { ...TIMEOUTS, ...timeouts });
    this.#ledger = new Ledger(log, prices, logger);
    this.#logger = logger;
  }

  /** Ends the connections to the API. */
  close(): Promise<void> {
    return this.#api.close();
  }

  async carry(request: IncomingMessage, response: ServerResponse, caller: Caller, path: string): Promise<void> {
    const release = this.#slots.take(caller.task_id);
    if (!release)
      throw new ErrandError('rate_limited', 'The task has too many model requests under way.', { retry_after_s: 1 });
    try {
      const signal = untilClosed(response, caller.signal);
      await this.#carry({ request, response, caller, signal }, routeOf(request, path));
    } catch (cause) {
      if (caller.signal.aborted) throw new ErrandError('attempt_ended', 'The attempt has ended.', { cause });
      // A worker that hung up hears no error, and it is none.
      if (cause instanceof ErrandError || !response.destroyed) throw cause;
    } finally {
      release();
    }
  }

  async #carry(carried: Carried, route: string): Promise<void> {
    const { request, response, signal } = carried;
    const raw = await readRawBody(request, LIMITS.llm_body_bytes_max);
    signal.throwIfAborted();
    const wanted = readRequest(raw);
    this.#ledger.priceOf(wanted.model);
    if (route === MESSAGES) return this.#carryMessages(carried, wanted, raw);
    const answer = await this.#api.post(COUNT_TOKENS, raw, request.headers, signal);
    await relay(answer, response, {}, undefined, signal);
  }

  async #carryMessages(carried: Carried, wanted: LlmRequest, raw: Buffer): Promise<void> {
    const { request, response, caller, signal } = carried;
    const { max_tokens, max_tokens_at } = wanted;
    if (max_tokens === undefined || !max_tokens_at) throw new ErrandError('invalid', 'max_tokens: Field required');
    const opened = await this.#ledger.open(caller, { ...wanted, max_tokens });
    const body = opened.max_tokens < max_tokens ? withMaxTokens(raw, max_tokens_at, opened.max_tokens) : raw;
    let meter: Meter | undefined;
    /** To be billed where no answer is seen to begin: an API that was at work when it was cut off charges for the prompt. */
    let unseen: Metered | undefined;
    let status: number | undefined;
    try {
      signal.throwIfAborted();
      unseen = promptOf(wanted);
      const answer = await this.#api.post(MESSAGES, body, request.headers, signal).catch((error: unknown) => {
        if (!signal.aborted) unseen = undefined;
        throw error;
      });
      status = answer.statusCode;
      if (status < 400)
        meter = new Meter(isStream(answer), (model, prompt) => this.#ledger.begun(opened, model, prompt));
      else unseen = undefined;
      await relay(answer, response, remaining(opened.left_usd), meter, signal);
    } finally {
      const metered = meter?.result() ?? unseen;
      this.#report(carried, status, metered, this.#ledger.settle(opened, metered));
    }
  }

  #report({ request, caller }: Carried, status: number | undefined, metered?: Metered, usage?: Usage): void {
    const { task_id, attempt } = caller;
    const retry = request.headers['x-stainless-retry-count'];
    const line = { task_id, attempt, status, retry, model: metered?.model, usage };
    if (metered?.complete === false) this.#logger.warn(line, 'A model request was cut off; its cost is estimated.');
    else this.#logger.debug(line, 'A model request was carried on.');
  }
}

type Carried = { request: IncomingMessage; response: ServerResponse; caller: Caller; signal: AbortSignal };

/** Passes an answer on as it comes, and shows it to the meter. Rejects where either side breaks off, with 502 where it was the API. */
async function relay(
  answer: Dispatcher.ResponseData,
  response: ServerResponse,
  headers: Record<string, string>,
  meter: Meter | undefined,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(answer.statusCode, { ...responseHeaders(answer.headers), ...headers });
  response.flushHeaders();
  // The meter only listens: the pace is the pipeline's.
  answer.body.on('data', (chunk: Buffer) => meter?.push(chunk));
  let failed = false;
  answer.body.once('error', () => (failed = !signal.aborted));
  await pipeline(answer.body, response, { signal }).catch((cause: unknown) => {
    if (failed) throw new ErrandError('upstream_unreachable', 'The Claude API broke off its answer.', { cause });
    throw cause;
  });
}

function routeOf(request: IncomingMessage, path: string): string {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new ErrandError('unsupported_media_type', `A body in ${encoding} is not taken.`);
  // Earlier clients add a query that says nothing.
  const route = path.replace(/\?beta=true$/, '');
  if (request.method === 'POST' && (route === MESSAGES || route === COUNT_TOKENS)) return route;
  throw new ErrandError('not_found', 'Of the Claude API there are POST /v1/messages and its count_tokens, no more.');
}

function isStream(answer: Dispatcher.ResponseData): boolean {
  return String(answer.headers['content-type']).startsWith('text/event-stream');
}

function promptOf({ model, input_tokens: input }: LlmRequest): Metered {
  return {
    model,
    parts: [{ input, cache_write_5m: 0, cache_write_1h: 0, cache_read: 0, output: 0 }],
    complete: false,
  };
}
