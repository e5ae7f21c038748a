import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { SAMPLE_REPO_URL } from '../../../protocol/task.ts';
import { addressGuard, type Resolve } from '../../base/address-guard.ts';
import type { Logger } from '../../base/logger.ts';
import type { Caller, WorkerProxy } from '../caller.ts';
import { ConcurrencyLimit } from '../concurrency-limit.ts';
import { untilClosed } from '../abort-on-close.ts';
import { mediaType, type GitBody, type GitRequest, type GitResponse, type GitService } from './backend.ts';
import type { ForgeRepository } from '../../domain/forge-repository.ts';
import { Forge, FORGE_TIMEOUTS, type ForgeTimeouts } from './forge.ts';
import { refusalOf } from './push-commands.ts';
import { openPush } from './push.ts';
import { bodyLength, requestBody } from './request-body.ts';
import { writeGitError } from './write-error.ts';

export type GitDependencies = {
  /** The repository of a task, and what opens it. */
  repository: (task_id: string) => ForgeRepository;
  private_hosts: string[];
  /** Answers for the sample repository, which is on this server and on no forge. */
  sample: (request: GitRequest) => Promise<GitResponse>;
  logger: Logger;
  /** Tests set these; they have their defaults. */
  resolve?: Resolve;
  timeouts?: ForgeTimeouts;
  pack_bytes_max?: number;
};

/** Git's smart HTTP, and nothing besides: no dumb protocol, no other repository, no parameter more. */
const ROUTES = new Map<string, { service: GitService; rpc: boolean }>([
  ['GET /info/refs?service=git-upload-pack', { service: 'git-upload-pack', rpc: false }],
  ['GET /info/refs?service=git-receive-pack', { service: 'git-receive-pack', rpc: false }],
  ['POST /git-upload-pack', { service: 'git-upload-pack', rpc: true }],
  ['POST /git-receive-pack', { service: 'git-receive-pack', rpc: true }],
]);

/**
 * Carries a worker's git to the repository of its task. The credential is added here and never seen by the worker. Of a push every command is read and
 * judged before anything of it goes on.
 */
export class GitProxy implements WorkerProxy {
  readonly writeError = writeGitError;
  readonly #ask: Backend;
  readonly #logger: Logger;
  readonly #pack_bytes_max: number;
  readonly #slots = new ConcurrencyLimit(LIMITS.git_requests_at_once_max);

  constructor(dependencies: GitDependencies) {
    this.#ask = backends(dependencies);
    this.#logger = dependencies.logger;
    this.#pack_bytes_max = dependencies.pack_bytes_max ?? LIMITS.git_pack_bytes_max;
  }

  async carry(request: IncomingMessage, response: ServerResponse, caller: Caller, path: string): Promise<void> {
    const release = this.#slots.take(caller.task_id);
    if (!release) throw new ErrandError('rate_limited', 'Too many git requests at once.', { retry_after_s: 1 });
    try {
      await this.#carry(request, response, caller, path);
    } catch (cause) {
      caller.signal.throwIfAborted();
      if (!(cause instanceof Error && cause.name === 'AbortError')) throw cause;
      this.#logger.debug({ task_id: caller.task_id, attempt: caller.attempt }, 'A worker hung up on git.');
    } finally {
      release();
    }
  }

  async #carry(request: IncomingMessage, response: ServerResponse, caller: Caller, path: string): Promise<void> {
    const { service, rpc } = routeOf(request, path);
    const asked = { service, headers: gitHeaders(request), signal: untilClosed(response, caller.signal) };
    const body = { chunks: requestBody(request, this.#pack_bytes_max), bytes: bodyLength(request) };
    const answer = await (rpc && service === 'git-receive-pack'
      ? this.#judge(caller, asked, body)
      : this.#ask(caller.task_id, rpc ? { ...asked, body } : asked));
    response.writeHead(200, answer.headers);
    await pipeline(answer.body, response, { signal: asked.signal });
  }

  async #judge(caller: Caller, request: GitRequest, body: GitBody): Promise<GitResponse> {
    const opened = await openPush(body);
    const reasons = refusalOf(opened.push, caller.task_id);
    const refs = opened.push.commands.map(({ ref }) => ref);
    const { task_id, attempt } = caller;
    if (reasons) {
      this.#logger.warn({ task_id, attempt, refs, reasons }, 'A push was refused.');
      return opened.refuse(reasons);
    }
    if (refs.length > 0) this.#logger.info({ task_id, attempt, refs }, 'A push is carried on.');
    return this.#ask(task_id, { ...request, body: opened.body });
  }
}

type Backend = (task_id: string, request: GitRequest) => Promise<GitResponse>;

/** The sample is served here; all else is on a forge. */
function backends(dependencies: GitDependencies): Backend {
  const { repository, private_hosts, sample, resolve, timeouts = FORGE_TIMEOUTS } = dependencies;
  const forge = new Forge(addressGuard(private_hosts, resolve), timeouts);
  return async (task_id, request) => {
    const asked = repository(task_id);
    return asked.repo_url === SAMPLE_REPO_URL ? sample(request) : forge.ask(asked, request);
  };
}

function routeOf(request: IncomingMessage, path: string): { service: GitService; rpc: boolean } {
  const route = ROUTES.get(`${request.method} ${path}`);
  if (!route) throw new ErrandError('forbidden', 'Here is git over smart HTTP, for one repository, and nothing else.');
  const type = mediaType(route.service, 'request');
  if (route.rpc && request.headers['content-type'] !== type)
    throw new ErrandError('unsupported_media_type', `The content type is not ${type}.`);
  return route;
}

/** What of the worker's request goes on. Its token, and whatever else it says, stays here. */
function gitHeaders({ headers }: IncomingMessage): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of ['accept', 'accept-encoding', 'accept-language', 'user-agent', 'git-protocol']) {
    const value = headers[name];
    if (typeof value === 'string') passed[name] = value;
  }
  return passed;
}
