import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EventQuotas } from '../base/config.ts';
import type { BrowserGuard } from '../base/browser-guard.ts';
import { Rate } from '../base/rate.ts';
import type { Logger } from '../base/logger.ts';
import type { Redactor } from '../base/redactor.ts';
import type { ThreadPool } from '../base/threads.ts';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError, type ErrorCode } from '../../protocol/problem.ts';
import { ERROR_STATUS } from '../../protocol/problem-document.ts';
import { CONTRACT_HEADER, CONTRACT_VERSION_UNNAMED, contractFault } from '../../protocol/worker.ts';
import type { CallbackReply, MessagesTaken } from '../../protocol/worker-schemas.ts';
import type { Leases } from '../workers/leases.ts';
import { DiskFull, type EventLog } from '../sqlite/event-log.ts';
import type { Relay } from '../live/relay.ts';
import type { ProgressWatch } from '../workers/progress-watch.ts';
import type { TaskClaims, TaskTokens } from '../auth/task-tokens.ts';
import type { BudgetBound } from '../tasks/budget-bound.ts';
import { Admission } from './admission.ts';
import { BodyReader } from './body.ts';
import { CallbackRedaction } from './callback-redaction.ts';
import type { Origin } from './attempt-states.ts';
import { Callbacks } from './callbacks.ts';
import type { Caller, ErrorWriter, TunnelProxy, WorkerProxy } from './caller.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { proxyTokenOf, tokenOf } from './credentials.ts';
import type { ListenerId } from './fence.ts';
import { listenOnSocket, listenOnTcp, type Handlers, type Listener } from './listener.ts';
import { refuseTunnel, reply, sendJson, writeProblem } from './reply.ts';
import { EVENTS, HEARTBEAT, RESULT, TAKE } from './read-callbacks.ts';
import { SAME } from './repeats.ts';
import { parseRoute, type CallbackName, type Route } from './route.ts';
import { errorCode } from '../base/error-code.ts';

export type WorkerApiDependencies = {
  log: EventLog;
  relay: Relay;
  tokens: TaskTokens;
  leases: Leases;
  progress: ProgressWatch;
  event_quotas: EventQuotas;
  budget_bound: BudgetBound;
  /** The assignment as JSON. */
  assignment: (task_id: string, attempt: number) => Promise<Buffer>;
  llm: WorkerProxy;
  git: WorkerProxy;
  attachments: WorkerProxy;
  egress: TunnelProxy;
  /** What redacts the secrets of a task; undefined: it has none. */
  redactorOf: (task_id: string) => Redactor | undefined;
  /** Checks large bodies. */
  threads: ThreadPool;
  browser_guard: BrowserGuard;
  /** Called with the code of each call that was refused. */
  onRefused: (code: ErrorCode) => void;
  logger: Logger;
};

/** How long a worker may take to read its assignment. */
const SEND_MS = 60_000;

/** One request, and where it came from. `claims`: who sends it, once that is known. */
type Exchange = { request: IncomingMessage; response: ServerResponse; listener: ListenerId; claims?: TaskClaims };

/**
 * The API that workers call (see `protocol/worker.ts`). It uses plain `node:http`: each layer above that takes a good
 * part of the time that a callback may take. Many listeners may serve it at once. The listener that received a call
 * is part of the proof of who calls.
 */
export class WorkerApi {
  readonly #deps: WorkerApiDependencies;
  readonly #admission: Admission;
  readonly #callbacks: Callbacks;
  readonly #bodies: BodyReader;
  readonly #redaction: CallbackRedaction;
  /** Each callback holds its whole body in memory. */
  readonly #limit = new ConcurrencyLimit(LIMITS.callbacks_at_once_max, 'The task has too many callbacks at once.');
  /** An assignment holds the whole transcript in memory until the worker has read it. */
  readonly #assignments = new ConcurrencyLimit(1, 'The task is being sent its assignment already.');
  readonly #assignment_rate = new Rate(LIMITS.assignments_per_minute_max, 'The task fetches its assignment too often.');
  readonly #handlers: Handlers = {
    request: (request, response, listener) => this.#request({ request, response, listener }),
    connect: (request, socket, head, listener) => void this.#connect(request, socket, head, listener),
  };

  constructor(deps: WorkerApiDependencies) {
    this.#deps = deps;
    this.#admission = new Admission(deps);
    this.#redaction = new CallbackRedaction(deps.log, deps.redactorOf);
    this.#bodies = new BodyReader(deps.threads, {
      bytes_max: LIMITS.callback_body_bytes_max,
      bytes_per_s: LIMITS.callback_bytes_per_s_max,
      burst_bytes: LIMITS.callback_burst_bytes_max,
    });
    const countSame = async (task_id: string, lines: Buffer) => (await this.#bodies.check(lines, task_id, SAME)).value;
    this.#callbacks = new Callbacks({
      ...deps,
      countSame,
      findPush: async ({ claims, listener }, ...push) =>
        (await deps.git.findPush?.(this.#admission.requireActive(claims, listener), ...push)) ?? 'missing',
    });
  }

  /** Opens the socket of one worker. It accepts only the tokens of that worker's attempt. */
  listenOnSocket(path: string, worker: string): Promise<Listener> {
    return listenOnSocket(this.#handlers, path, worker);
  }

  /** Opens a TCP listener. Port 0 picks a free port. */
  listenOnTcp(host: string, port: number): Promise<Listener> {
    return listenOnTcp(this.#handlers, host, port);
  }

  /**
   * Handles one request. Returns a promise for a callback alone: a closing listener waits for callbacks, not for
   * forwarded requests.
   */
  #request(exchange: Exchange): Promise<void> | undefined {
    const route = this.#routeOf(exchange);
    if (route instanceof ErrandError) {
      this.#fail(exchange, writeProblem, route);
      return undefined;
    }
    const { task_id, name } = route;
    if (name !== 'llm' && name !== 'git' && name !== 'attachments')
      return this.#callback(exchange, task_id, name).catch((error: unknown) =>
        this.#fail(exchange, writeProblem, error),
      );
    const proxy = this.#deps[name];
    const { writeError = writeProblem } = proxy;
    this.#forward(exchange, task_id, proxy, route.path).catch((error: unknown) =>
      this.#fail(exchange, writeError, error),
    );
    return undefined;
  }

  /** The route of a request, or why it is refused whoever sends it. */
  #routeOf({ request, listener }: Exchange): Route | ErrandError {
    try {
      // No browser reaches a unix socket.
      if (listener === 'tcp') this.#deps.browser_guard.check(request);
    } catch (error) {
      if (error instanceof ErrandError) return error;
      throw error;
    }
    return parseRoute(request.url ?? '') ?? new ErrandError('not_found', 'There is no such path.');
  }

  async #forward(exchange: Exchange, task_id: string, proxy: WorkerProxy, path: string): Promise<void> {
    const { request, response, listener } = exchange;
    const claims = await this.#admission.authenticate(tokenOf(request), task_id);
    exchange.claims = claims;
    const caller = this.#admission.requireActive(claims, listener);
    const done = this.#deps.progress.beginForward(caller.task_id, caller.attempt);
    await proxy.forward(request, response, caller, path).finally(done);
  }

  async #callback(exchange: Exchange, named_task_id: string, name: CallbackName): Promise<void> {
    const { request, response, listener } = exchange;
    if (request.method !== (name === 'assignment' ? 'GET' : 'POST'))
      throw new ErrandError('method_not_allowed', `${name} does not accept ${request.method}.`);
    const grace_s = name === 'heartbeat' ? LIMITS.task_token_grace_s : 0;
    const claims = await this.#admission.authenticate(tokenOf(request), named_task_id, grace_s);
    exchange.claims = claims;
    // The same text, but this one is kept with the token, so that its hash is computed once.
    const { task_id } = claims;
    requireSupportedContract(request);
    if (name === 'assignment') {
      const { attempt } = this.#admission.requireActive(claims, listener);
      return this.#assignments.run(task_id, () => this.#sendAssignment(response, task_id, attempt));
    }
    await this.#limit.run(task_id, async () => {
      if (name === 'messages') return reply(response, await this.#take(request, { claims, listener }));
      const answer = await this.#answer(name, request, { claims, listener }).catch((thrown: unknown) => {
        const error = this.#redaction.error(task_id, thrown);
        // A worker that is to stop must hear that, not that it may come again.
        if (error instanceof ErrandError && error.code === 'rate_limited')
          this.#admission.requireActive(claims, listener);
        throw error;
      });
      reply(response, name === 'heartbeat' ? await this.#withNewToken(answer, claims) : answer);
    });
  }

  async #answer(
    name: Exclude<CallbackName, 'assignment' | 'messages'>,
    request: IncomingMessage,
    origin: Origin,
  ): Promise<CallbackReply> {
    const { claims, listener } = origin;
    const { task_id } = claims;
    const body = await this.#bodies.receive(request, task_id);
    const redaction = this.#redaction.of(claims);
    switch (name) {
      case 'events': {
        const { value } = await this.#bodies.check(body, task_id, EVENTS, redaction);
        if (value.held) {
          // What an attempt that is over has sent would be kept for ever.
          this.#admission.requireActive(claims, listener);
          this.#redaction.hold(claims, value.held);
        }
        return this.#callbacks.events(origin, value);
      }
      case 'heartbeat': {
        const { value } = await this.#bodies.check(body, task_id, HEARTBEAT, redaction);
        return this.#callbacks.heartbeat(origin, value);
      }
      case 'result': {
        const { value } = await this.#bodies.check(body, task_id, RESULT, redaction);
        const result = this.#deps.llm.correct?.(claims, value.result) ?? value.result;
        return this.#callbacks.result(origin, { ...value, result });
      }
    }
  }

  async #take(request: IncomingMessage, origin: Origin): Promise<MessagesTaken> {
    return this.#callbacks.take(origin, (await this.#bodies.read(request, origin.claims.task_id, TAKE)).value);
  }

  /** Resolves once the worker has read it, or has hung up. */
  async #sendAssignment(response: ServerResponse, task_id: string, attempt: number): Promise<void> {
    this.#assignment_rate.take(task_id);
    const assignment = await this.#deps.assignment(task_id, attempt);
    if (response.destroyed) return;
    const closed = once(response, 'close', { signal: AbortSignal.timeout(SEND_MS) }).catch(() => response.destroy());
    sendJson(response, assignment);
    await closed;
  }

  async #connect(request: IncomingMessage, socket: Duplex, head: Buffer, listener: ListenerId): Promise<void> {
    socket.on('error', () => socket.destroy());
    let caller: Caller;
    try {
      caller = this.#admission.requireActive(await this.#admission.authenticate(proxyTokenOf(request)), listener);
    } catch (error) {
      return refuseTunnel(socket, error, this.#logFailure(error));
    }
    await this.#deps.egress.open(request, socket, head, caller).catch((error: unknown) => {
      this.#logFailure(error, caller);
      socket.destroy();
    });
  }

  /** Adds a new token to a heartbeat's reply once half the lifetime of the old one is over. */
  async #withNewToken(answer: CallbackReply, claims: TaskClaims): Promise<CallbackReply> {
    const { tokens } = this.#deps;
    return tokens.isHalfOver(claims)
      ? { ...answer, token: await tokens.issue(claims.task_id, claims.attempt) }
      : answer;
  }

  #fail({ response, claims }: Exchange, write: ErrorWriter, error: unknown): void {
    if (isPrematureClose(error)) return this.#deps.logger.debug({ err: error }, 'worker hung up before the response');
    const request_id = this.#logFailure(error, claims);
    // Once the head is out, only a broken connection tells the client that the response is not complete.
    if (response.headersSent) response.destroy();
    else write(response, error, request_id);
  }

  /** Logs why a call failed. Returns the request id under which the log entry can be found. */
  #logFailure(error: unknown, caller?: Pick<TaskClaims, 'task_id' | 'attempt'>): string {
    const request_id = newId();
    this.#deps.onRefused(error instanceof ErrandError ? error.code : 'internal');
    const log = this.#deps.logger.child({ request_id, task_id: caller?.task_id, attempt: caller?.attempt });
    // The fault of another server, such as a forge that is down: no place in this code explains it.
    if (error instanceof ErrandError && error.code === 'upstream_unreachable')
      log.warn({ code: error.code, reason: error.message, cause: causeOf(error) }, 'worker call failed upstream');
    // A full disk is logged once, when it is found, and refuses every call of every worker.
    else if (error instanceof DiskFull) log.debug({ code: error.code, reason: error.message }, 'worker call refused');
    else if (!(error instanceof ErrandError) || ERROR_STATUS[error.code] >= 500)
      log.error({ err: error }, 'worker call failed');
    else log.debug({ err: error }, 'worker call refused');
    return request_id;
  }
}

/** What lies behind an error, without its stack. A host with several addresses fails once at each of them. */
function causeOf({ cause }: Error): string | undefined {
  const [first] = cause instanceof AggregateError ? cause.errors : [cause];
  return first instanceof Error ? first.message : undefined;
}

/**
 * Whether the connection closed before the response was written: nobody is left to read it, and nothing failed here.
 */
function isPrematureClose(error: unknown): boolean {
  return errorCode(error) === 'ERR_STREAM_PREMATURE_CLOSE';
}

/**
 * Throws `forbidden` where the worker speaks an unsupported version of the contract. Without the header the version
 * is 1.
 */
function requireSupportedContract(request: IncomingMessage): void {
  const fault = contractFault(Number(request.headers[CONTRACT_HEADER] ?? CONTRACT_VERSION_UNNAMED));
  if (fault !== null) throw new ErrandError('forbidden', fault);
}
