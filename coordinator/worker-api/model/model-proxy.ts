import type { IncomingMessage, ServerResponse } from 'node:http';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { ResultPost } from '../../../protocol/worker-schemas.ts';
import type { EventLog } from '../../sqlite/event-log.ts';
import type { Logger } from '../../base/logger.ts';
import type { ThreadPool } from '../../base/threads.ts';
import { requireModel, type ModelRules } from '../../domain/model-rules.ts';
import type { Prices } from '../../domain/prices.ts';
import { aborted, within } from '../../base/deadline.ts';
import { abortOnClose } from '../abort-on-close.ts';
import { BodyReader } from '../body.ts';
import type { Caller, WorkerProxy } from '../caller.ts';
import { ConcurrencyLimit } from '../concurrency-limit.ts';
import { Rate } from '../../base/rate.ts';
import { COUNT_TOKENS } from './count-tokens.ts';
import { BudgetWatch } from './budget-watch.ts';
import { BudgetSpent, remaining, writeLlmError } from './error.ts';
import { InputBounds, type InputBound } from './input-bound.ts';
import { KeyWatch } from './key-watch.ts';
import { Ledger, type Reservation } from './ledger.ts';
import { withLinger } from './linger.ts';
import { Meter } from './meter.ts';
import { REQUEST, withMaxTokens, type BoundedRequest } from './policy.ts';
import { RequestCost, type Outcome } from './request-cost.ts';
import type { DispatchGate } from '../../tasks/dispatch-gate.ts';
import { SpendingCapReached, type SpendingCaps } from '../../tasks/spending-caps.ts';
import { streamResponse } from './stream-response.ts';
import type { OutgoingProxy } from '../../base/outgoing.ts';
import { ClaudeApi, TIMEOUTS, UpstreamFailure, type Timeouts, type Upstream } from './upstream.ts';

export type LlmDependencies = {
  log: EventLog;
  /** Is held while the API refuses the server's key. */
  gate: DispatchGate;
  logger: Logger;
  prices: Prices;
  caps: SpendingCaps;
  /** What a task may ask for. */
  rules: (task_id: string) => ModelRules;
  upstream: Upstream;
  /** Checks large bodies. */
  threads: ThreadPool;
  /** For tests. Those that are missing have their defaults. */
  timeouts?: Partial<Timeouts>;
  proxy?: OutgoingProxy;
};

const MESSAGES = '/v1/messages';
/** How long a closing proxy waits until what it has read is charged. */
const CLOSE_WAIT_MS = 1_000;

/** One request in progress. `signal` aborts when the worker hangs up or its attempt ends. */
type Exchange = { request: IncomingMessage; response: ServerResponse; caller: Caller; signal: AbortSignal };

/**
 * Forwards the tasks' requests to the Claude API. It replaces the worker's token by the server's API key, streams
 * bytes both ways as they arrive, and reads the cost from the answer as it passes.
 */
export class ModelProxy implements WorkerProxy {
  readonly writeError = writeLlmError;
  readonly #api: ClaudeApi;
  readonly #key_watch: KeyWatch;
  readonly #ledger: Ledger;
  readonly #budgets: BudgetWatch;
  readonly #bounds: InputBounds;
  readonly #bodies: BodyReader;
  readonly #rules: LlmDependencies['rules'];
  readonly #linger_ms: number;
  readonly #logger: Logger;
  readonly #open = new Set<Promise<void>>();
  readonly #limit = new ConcurrencyLimit(
    LIMITS.llm_requests_at_once_max,
    'The task has too many model requests at once.',
  );
  /** Refused requests and those that only count tokens cost nothing, but time. */
  readonly #rate = new Rate(
    LIMITS.llm_requests_per_minute_max,
    `The task has made more than ${LIMITS.llm_requests_per_minute_max} model requests in a minute.`,
  );

  constructor({ log, gate, logger, prices, caps, rules, upstream, threads, timeouts, proxy }: LlmDependencies) {
    const { linger_ms, ...others } = { ...TIMEOUTS, ...timeouts };
    this.#api = new ClaudeApi(upstream, others, proxy, () => this.#key_watch.doubt());
    this.#key_watch = new KeyWatch(gate, (signal) => this.#api.acceptsKey(signal));
    this.#ledger = new Ledger({ log, prices, logger, caps });
    this.#budgets = new BudgetWatch(log);
    this.#bounds = new InputBounds(this.#api, this.#ledger);
    this.#bodies = new BodyReader(threads, {
      bytes_max: LIMITS.llm_body_bytes_max,
      bytes_per_s: LIMITS.llm_bytes_per_s_max,
      burst_bytes: LIMITS.llm_burst_bytes_max,
    });
    this.#rules = rules;
    this.#linger_ms = linger_ms;
    this.#logger = logger;
  }

  /**
   * Forwards one request. Rejects with an `ErrandError`; a worker that hung up is no error. Settles as soon as the
   * worker has hung up or its attempt has ended; the answer is still read on, since only its end says what it cost.
   */
  async forward(request: IncomingMessage, response: ServerResponse, caller: Caller, path: string): Promise<void> {
    this.#rate.take(caller.task_id);
    const signal = abortOnClose(response, caller.signal);
    const exchange = this.#limit.run(caller.task_id, () => this.#forward({ request, response, caller, signal }, path));
    const open = exchange.catch(() => undefined).finally(() => this.#open.delete(open));
    this.#open.add(open);
    try {
      await Promise.race([exchange, aborted(signal)]);
      caller.signal.throwIfAborted();
    } catch (cause) {
      if (caller.signal.aborted) throw new ErrandError('attempt_ended', 'The attempt has ended.', { cause });
      if (cause instanceof ErrandError || !response.destroyed) throw cause;
    }
  }

  correct(attempt: Pick<Caller, 'task_id' | 'attempt'>, result: ResultPost): ResultPost {
    return this.#budgets.correct(attempt, result);
  }

  /** Holds dispatch if the API refuses the server's key, before an errand finds out. Resolves once it was asked. */
  tryKey(): Promise<void> {
    return this.#api.tryKey();
  }

  /** Closes the connections to the API, which ends the requests in progress, and charges for them. */
  async close(): Promise<void> {
    this.#key_watch.close();
    await this.#api.close();
    await within(CLOSE_WAIT_MS, Promise.all(this.#open));
  }

  async #forward(exchange: Exchange, path: string): Promise<void> {
    const { request, response, signal } = exchange;
    const route = routeOf(request, path);
    const { value: wanted, bytes: raw } = await this.#bodies.read(request, exchange.caller.task_id, REQUEST);
    signal.throwIfAborted();
    this.#ledger.priceOf(wanted.model);
    const rules = this.#rules(exchange.caller.task_id);
    requireModel(rules, wanted.model);
    if (route === MESSAGES) return this.#sendMessages(wanted, rules.max_tokens ?? Infinity, raw, exchange);
    const answer = await this.#api.post(COUNT_TOKENS, raw, request.headers, signal);
    await streamResponse(answer, response, { signal, headers: {} });
  }

  /** Reserves budget for a request that creates a message, sends it, and charges what it cost. */
  async #sendMessages(wanted: BoundedRequest, tokens_max: number, raw: Buffer, exchange: Exchange): Promise<void> {
    const { model, effort, max_tokens: asked, max_tokens_at } = wanted;
    const { caller, request, response, signal } = exchange;
    this.#budgets.begun(caller);
    if (asked === undefined || !max_tokens_at) throw new ErrandError('invalid', 'max_tokens: Field required');
    const max_tokens = Math.min(asked, tokens_max);
    const bound = await this.#bounds.find({ caller, max_tokens, wanted, raw, headers: request.headers }, signal);
    if (bound.refusal) return streamResponse(bound.refusal, response, { signal, headers: {} });
    const reservation = await this.#ledger
      .reserve(caller, { model, effort, max_tokens, input: bound.input })
      .catch((error: unknown) => {
        if (error instanceof BudgetSpent && !bound.countable) throw cannotCount(error);
        if (error instanceof BudgetSpent || error instanceof SpendingCapReached) this.#budgets.refused(caller, error);
        throw error;
      });
    const is_less = reservation.max_tokens < asked;
    const sent = is_less ? withMaxTokens(raw, max_tokens_at, reservation.max_tokens) : raw;
    const cost = new RequestCost(reservation.ask);
    try {
      await withLinger(signal, this.#linger_ms, (late) => this.#stream(sent, exchange, reservation, cost, late));
    } finally {
      this.#settle(exchange, reservation, cost, bound);
    }
  }

  /** `late` aborts some time after the worker has hung up. */
  async #stream(
    body: Buffer,
    { request, response }: Exchange,
    reservation: Reservation,
    cost: RequestCost,
    late: AbortSignal,
  ): Promise<void> {
    cost.sent();
    const answer = await this.#api.post(MESSAGES, body, request.headers, late).catch((error: unknown) => {
      if (error instanceof UpstreamFailure && !error.may_cost) cost.refused();
      throw error;
    });
    const meter = cost.answered(
      answer.statusCode,
      new Meter({
        streamed: String(answer.headers['content-type']).startsWith('text/event-stream'),
        hour_cache: reservation.ask.input.cache === '1h',
        onBegin: (model, prompt) => this.#ledger.recordPrompt(reservation, model, prompt),
      }),
    );
    const headers = remaining(reservation.left_usd, reservation.reserved_usd);
    await streamResponse(answer, response, { signal: late, meter, headers });
    cost.ended();
  }

  #settle(exchange: Exchange, reservation: Reservation, cost: RequestCost, { prompt }: InputBound): void {
    const { request, caller } = exchange;
    const outcome = cost.result();
    const usage = this.#ledger.settle(reservation, outcome);
    if (outcome.kind === 'metered') this.#bounds.remember(caller, prompt, outcome);
    const retry = request.headers['x-stainless-retry-count'];
    const { task_id, attempt } = caller;
    const fields = { task_id, attempt, status: cost.status, retry, model: reservation.ask.model, usage };
    this.#logger[outcome.kind === 'cut' || outcome.kind === 'unknown' ? 'warn' : 'debug'](
      fields,
      MESSAGE_OF[outcome.kind],
    );
  }
}

const MESSAGE_OF: Record<Outcome['kind'], string> = {
  metered: 'model request forwarded',
  nothing: 'model request without cost',
  cut: 'model request cut off; cost estimated',
  unknown: 'model request without a usage that can be true; its whole reservation was charged',
};

function cannotCount(cause: BudgetSpent): ErrandError {
  const message = `The Claude API cannot count the tokens of this request at the moment. Without its count: ${cause.message}`;
  return new ErrandError('unavailable', message, { cause, retry_after_s: 5 });
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
