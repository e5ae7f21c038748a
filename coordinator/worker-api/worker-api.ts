import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../base/logger.ts';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError, type ErrorCode } from '../../protocol/problem.ts';
import { ERROR_STATUS } from '../../protocol/problem-document.ts';
import {
  CONTRACT_HEADER,
  CONTRACT_VERSION_UNNAMED,
  contractFault,
  type Assignment,
  type CallbackReply,
} from '../../protocol/worker.ts';
import type { Leases } from '../workers/leases.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { Relay } from '../live/relay.ts';
import type { ProgressWatch } from '../workers/progress-watch.ts';
import type { TaskClaims, TaskTokens } from '../auth/task-tokens.ts';
import { readJsonBody } from './body.ts';
import { Callbacks } from './callbacks.ts';
import type { Caller, ErrorWriter, WorkerProxy, TunnelHandler } from './caller.ts';
import { proxyTokenOf, tokenOf } from './credentials.ts';
import { requireLiving, standingOf, type Via } from './fence.ts';
import { listenOnSocket, listenOnTcp, type Handlers, type Listening } from './listener.ts';
import { refuseTunnel, reply, writeProblem } from './reply.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';

export type WorkerApiDependencies = {
  log: EventLog;
  relay: Relay;
  tokens: TaskTokens;
  leases: Leases;
  progress: ProgressWatch;
  assignment: (task_id: string, attempt: number) => Promise<Assignment>;
  llm: WorkerProxy;
  git: WorkerProxy;
  tunnel: TunnelHandler;
  /** Told of each call that was refused, by its code. */
  onRefused?: (code: ErrorCode) => void;
  logger: Logger;
};

/** How long a listener that closes waits for the callbacks under way. */
const SETTLE_MS = 1_000;

type Callback = 'assignment' | 'events' | 'heartbeat' | 'result';
type Route = { task_id: string } & ({ name: Callback } | { name: 'llm' | 'git'; path: string });

/**
 * The internal API, which workers alone call: plain `node:http`, since each layer above it costs a good part of what a callback may take. It
 * can be served on many listeners at once; the socket that a call came by is part of the proof of who calls.
 */
export class WorkerApi {
  readonly #deps: WorkerApiDependencies;
  readonly #callbacks: Callbacks;
  /** One for each attempt that something is or was carried for; aborted and dropped when it ends. */
  readonly #living = new Map<string, AbortController>();
  /** Each callback's body is in memory as a whole. */
  readonly #slots = new ConcurrencyLimit(LIMITS.callbacks_at_once_max);
  /** The callbacks that are being served, and by which listener each came. */
  readonly #underWay = new Map<Promise<void>, Via>();
  readonly #handlers: Handlers = {
    request: (request, response, via) => this.#request(request, response, via),
    connect: (request, socket, head, via) => void this.#connect(request, socket, head, via),
  };

  constructor(deps: WorkerApiDependencies) {
    this.#deps = deps;
    this.#callbacks = new Callbacks(deps.log, deps.relay, deps.progress);
    deps.log.subscribe('attempt.ended', ({ task_id, attempt }) => this.#ended(task_id, attempt));
  }

  /** Opens the socket of one worker: only tokens of that worker's attempt are taken there. When it closes, the callbacks under way are answered first. */
  async listenOnSocket(path: string, worker: string): Promise<Listening> {
    const listening = await listenOnSocket(this.#handlers, path, worker);
    return { close: () => this.#close(listening, (via) => via !== 'tcp' && via.worker === worker) };
  }

  /** Opens a TCP listener; port 0 takes any that is free. It closes as a socket does. */
  async listenOnTcp(host: string, port: number): Promise<Listening & { port: number }> {
    const listening = await listenOnTcp(this.#handlers, host, port);
    return { port: listening.port, close: () => this.#close(listening, (via) => via === 'tcp') };
  }

  /** Aborts the requests that are forwarded for an attempt that has ended, and forgets its tokens. */
  #ended(task_id: string, attempt: number): void {
    const key = `${task_id}/${attempt}`;
    this.#living.get(key)?.abort(new ErrandError('stale_attempt', `Attempt ${attempt} has ended.`));
    this.#living.delete(key);
    this.#deps.tokens.forget(task_id, attempt);
  }

  /** Closes a listener once what came by it is on disk and answered, or has taken too long. */
  async #close(listening: Listening, isIts: (via: Via) => boolean): Promise<void> {
    const its = [...this.#underWay].filter(([, via]) => isIts(via)).map(([served]) => served);
    if (its.length > 0) await Promise.race([Promise.all(its), delay(SETTLE_MS)]);
    await listening.close();
  }

  #request(request: IncomingMessage, response: ServerResponse, via: Via): void {
    const route = routeOf(request.url ?? '');
    if (!route) return this.#fail(response, writeProblem, new ErrandError('not_found', 'There is nothing here.'));
    if (route.name === 'llm' || route.name === 'git') {
      const { writeError = writeProblem } = this.#deps[route.name];
      this.#carry(request, response, via, route.task_id, route.name, route.path).catch((error: unknown) =>
        this.#fail(response, writeError, error),
      );
      return;
    }
    const served = this.#callback(request, response, via, route.task_id, route.name)
      .catch((error: unknown) => this.#fail(response, writeProblem, error))
      .finally(() => this.#underWay.delete(served));
    this.#underWay.set(served, via);
  }

  async #carry(
    request: IncomingMessage,
    response: ServerResponse,
    via: Via,
    task_id: string,
    name: 'llm' | 'git',
    path: string,
  ): Promise<void> {
    const caller = this.#admit(await this.#authenticate(tokenOf(request), task_id), via);
    const carried = this.#deps.progress.forwards(caller.task_id, caller.attempt);
    await this.#deps[name].carry(request, response, caller, path).finally(carried);
  }

  async #callback(
    request: IncomingMessage,
    response: ServerResponse,
    via: Via,
    task_id: string,
    name: Callback,
  ): Promise<void> {
    if (request.method !== (name === 'assignment' ? 'GET' : 'POST'))
      throw new ErrandError('method_not_allowed', `${name} does not take ${request.method}.`);
    const grace_s = name === 'heartbeat' ? LIMITS.task_token_grace_s : 0;
    const claims = await this.#authenticate(tokenOf(request), task_id, grace_s);
    requireServed(request);
    if (name === 'assignment') {
      const { attempt } = this.#admit(claims, via);
      return reply(response, await this.#deps.assignment(task_id, attempt));
    }
    const release = this.#slots.take(task_id);
    if (!release) throw new ErrandError('rate_limited', 'Too many callbacks at once.', { retry_after_s: 1 });
    try {
      const json = await readJsonBody(request, LIMITS.callback_body_bytes_max);
      const answer = await this.#callbacks[name]({ claims, via }, json);
      reply(response, name === 'heartbeat' ? await this.#renewed(answer, claims) : answer);
    } finally {
      release();
    }
  }

  async #connect(request: IncomingMessage, socket: Duplex, head: Buffer, via: Via): Promise<void> {
    socket.on('error', () => socket.destroy());
    let caller: Caller;
    try {
      caller = this.#admit(await this.#authenticate(proxyTokenOf(request)), via);
    } catch (error) {
      return refuseTunnel(socket, error, this.#note(error));
    }
    await this.#deps.tunnel(request, socket, head, caller).catch((error: unknown) => {
      this.#note(error);
      socket.destroy();
    });
  }

  /** Whom the token names. Rejects where it is not of the task that is asked for. */
  async #authenticate(token: string | undefined, task_id?: string, grace_s = 0): Promise<TaskClaims> {
    if (token === undefined) throw new ErrandError('unauthenticated', 'There is no task token.');
    const claims = await this.#deps.tokens.verify(token, grace_s);
    if (task_id !== undefined && claims.task_id !== task_id)
      throw new ErrandError('unauthenticated', "The task token is another task's.");
    // Whatever else becomes of the call: the worker was heard.
    this.#deps.leases.renew(claims.task_id, claims.attempt);
    return claims;
  }

  /** The caller, whose attempt is alive now. */
  #admit(claims: TaskClaims, via: Via): Caller {
    const { task_id, attempt } = claims;
    const standing = standingOf(this.#deps.log.db, claims, via);
    requireLiving(standing, attempt);
    const key = `${task_id}/${attempt}`;
    const controller = this.#living.get(key) ?? new AbortController();
    this.#living.set(key, controller);
    return { task_id, attempt, user_id: standing.user_id, signal: controller.signal };
  }

  /** Puts a new token into a heartbeat's reply, once half the life of the old one is over. */
  async #renewed(answer: CallbackReply, claims: TaskClaims): Promise<CallbackReply> {
    const { tokens } = this.#deps;
    return tokens.isHalfOver(claims)
      ? { ...answer, token: await tokens.issue(claims.task_id, claims.attempt) }
      : answer;
  }

  #fail(response: ServerResponse, write: ErrorWriter, error: unknown): void {
    if (isPrematureClose(error)) return this.#deps.logger.debug({ err: error }, 'worker left before its answer');
    const request_id = this.#note(error);
    // Once the head is out, cutting the answer off is the only way to say that it is not whole.
    if (response.headersSent) response.destroy();
    else write(response, error, request_id);
  }

  /** Logs why a call failed, and gives the id that the answer names the entry by. */
  #note(error: unknown): string {
    const request_id = newId();
    this.#deps.onRefused?.(error instanceof ErrandError ? error.code : 'internal');
    const log = this.#deps.logger.child({ request_id });
    if (!(error instanceof ErrandError) || ERROR_STATUS[error.code] >= 500)
      log.error({ err: error }, "a worker's call failed");
    else log.debug({ err: error }, "a worker's call was refused");
    return request_id;
  }
}

/** Whether the connection closed under an answer: nobody is left to read it, and nothing here failed. */
function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

/** Throws `forbidden` where the worker keeps a version of the contract that is not served; one that says none keeps the first. */
function requireServed(request: IncomingMessage): void {
  const fault = contractFault(Number(request.headers[CONTRACT_HEADER] ?? CONTRACT_VERSION_UNNAMED));
  if (fault !== null) throw new ErrandError('forbidden', fault);
}

/** Takes apart `/internal/tasks/:id/…`. What follows a surface's name is that surface's. */
function routeOf(url: string): Route | undefined {
  const [, task_id, name, rest] = /^\/internal\/tasks\/([^/?]+)\/([a-z]+)(.*)$/s.exec(url) ?? [];
  if (task_id === undefined || name === undefined || rest === undefined) return undefined;
  switch (name) {
    case 'assignment':
    case 'events':
    case 'heartbeat':
    case 'result':
      return rest === '' || rest.startsWith('?') ? { task_id, name } : undefined;
    case 'llm':
    case 'git':
      return rest === '' || /^[/?]/.test(rest) ? { task_id, name, path: rest } : undefined;
    default:
      return undefined;
  }
}
