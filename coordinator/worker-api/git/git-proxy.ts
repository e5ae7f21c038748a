import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { SAMPLE_REPO_URL } from '../../../protocol/task.ts';
import type { OutgoingProxy } from '../../base/outgoing.ts';
import type { AskOwnAddresses, Resolve } from '../../base/address-guard.ts';
import { aborted } from '../../base/deadline.ts';
import type { Logger } from '../../base/logger.ts';
import { hostOf, type ForgeRepository } from '../../domain/forge-repository.ts';
import { refOf } from '../../domain/ref-of.ts';
import type { RepositoryOfTask } from '../../domain/task-repository.ts';
import { abortOnClose } from '../abort-on-close.ts';
import type { NoteUse } from '../worker-audit.ts';
import type { Caller, WorkerProxy } from '../caller.ts';
import type { ClaimedPush, PushState } from '../claimed-pushes.ts';
import { ConcurrencyLimit } from '../concurrency-limit.ts';
import type { GitBody, GitRequest, GitResponse } from './backend.ts';
import { findPush } from './find-push.ts';
import { ForgeError } from './forge-error.ts';
import { Forge, type ForgeTimeouts } from './forge.ts';
import type { PushApproval } from './push-approval.ts';
import { commandFor, namedBranchFault } from './named-branch.ts';
import { PackFolders } from './pack-folders.ts';
import { lossFaults, type PushedCommits } from './pushed-commits.ts';
import { ruleFaults } from './push-rules.ts';
import { openPush, type OpenedPush } from './open-push.ts';
import type { PushCommand } from './push-commands.ts';
import { bodyLength, requestBody } from './request-body.ts';
import { gitHeaders, gitRouteOf } from './route.ts';
import { LfsProxy, type UploadApproval } from './lfs-proxy.ts';
import { isLfsPath } from './lfs-route.ts';
import { logged, RefusedPushes } from './refused-pushes.ts';
import { renewing } from './renewing.ts';
import { readingReport } from './report-status.ts';
import { withoutThinPacks } from './without-thin-packs.ts';
import { writeGitError } from './write-error.ts';

export type GitDependencies = {
  /** A repository of a task, with its credential. Throws `not_found` where the task has none with this key. */
  repository: (where: RepositoryOfTask) => ForgeRepository | Promise<ForgeRepository>;
  proxy?: OutgoingProxy;
  private_hosts: string[];
  /** By default those of the machine's interfaces. */
  ownAddresses?: AskOwnAddresses;
  /** Serves a task's own copy of the sample repository, which is stored on this server. */
  sample: (request: GitRequest, task_id: string) => Promise<GitResponse>;
  /** The branch that the task's person named, which it may push to; null: there is none. */
  workBranch: (where: RepositoryOfTask) => string | null;
  /**
   * Why the forge wants no push to the branch that the person named; null: it may be pushed.
   * Rejects where the forge does not say.
   */
  protection: (where: RepositoryOfTask, branch: string, signal: AbortSignal) => Promise<string | null>;
  /** Which commits each task has pushed. */
  pushed: PushedCommits;
  /** Where the packs of the pushes that are checked are stored meanwhile. */
  packs_dir: string;
  /** Which pushes wait for their person's approval. */
  approval: PushApproval;
  /** Which uploads of Git LFS wait for it. */
  uploadApproval: UploadApproval;
  /** Records each push, and the use of a credential. */
  noteUse: NoteUse;
  logger: Logger;
  /** For tests. The defaults use the real network and the limits of the protocol. */
  resolve?: Resolve;
  timeouts?: ForgeTimeouts;
  pack_bytes_max?: number;
  checked_push_ms?: number;
  lfs_attempt_bytes_max?: number;
};

/** Whose request it is, and which repository of the task it is for. */
type GitCaller = Caller & RepositoryOfTask;

/**
 * Forwards a worker's git requests to the repositories of its task. It adds the repository's credential, which the
 * worker never sees. It reads and checks every command of a push before it forwards any of it.
 */
export class GitProxy implements WorkerProxy {
  readonly writeError = writeGitError;
  readonly #repository: GitDependencies['repository'];
  readonly #sample: GitDependencies['sample'];
  readonly #workBranch: GitDependencies['workBranch'];
  readonly #protection: GitDependencies['protection'];
  readonly #pushed: PushedCommits;
  readonly #approval: PushApproval;
  readonly #noteUse: NoteUse;
  readonly #folders: PackFolders;
  readonly #logger: Logger;
  readonly #pack_bytes_max: number;
  readonly #forge: Forge;
  readonly #lfs: LfsProxy;
  readonly #refused: RefusedPushes;
  readonly #limit = new ConcurrencyLimit(
    LIMITS.git_requests_at_once_max,
    'The task has too many git requests at once.',
  );

  constructor(deps: GitDependencies) {
    const { pack_bytes_max = LIMITS.git_pack_bytes_max } = deps;
    this.#repository = deps.repository;
    this.#sample = deps.sample;
    this.#workBranch = deps.workBranch;
    this.#protection = deps.protection;
    this.#pushed = deps.pushed;
    this.#approval = deps.approval;
    this.#noteUse = deps.noteUse;
    this.#folders = new PackFolders(deps.packs_dir, deps.checked_push_ms);
    this.#logger = deps.logger;
    this.#pack_bytes_max = pack_bytes_max;
    this.#forge = new Forge(deps);
    this.#refused = new RefusedPushes(deps.logger);
    const { repository, logger, uploadApproval: approval, noteUse } = deps;
    const { lfs_attempt_bytes_max: attempt_bytes_max = LIMITS.lfs_attempt_bytes_max } = deps;
    const shared = { forge: this.#forge, refused: this.#refused };
    this.#lfs = new LfsProxy({ ...shared, repository, approval, noteUse, logger, attempt_bytes_max });
  }

  /**
   * Forwards one request of git's smart HTTP protocol, or of Git LFS. Rejects with an `ErrandError`, or with the
   * signal's reason once the attempt has ended.
   */
  async forward(request: IncomingMessage, response: ServerResponse, caller: Caller, path: string): Promise<void> {
    try {
      if (isLfsPath(path)) await this.#lfs.forward(request, response, caller, path);
      else await this.#limit.run(caller.task_id, () => this.#forward(request, response, caller, path));
    } catch (cause) {
      caller.signal.throwIfAborted();
      if (cause instanceof Error && cause.name === 'TimeoutError')
        throw new ErrandError('upstream_unreachable', 'The transfer took too long.', { cause });
      if (!(cause instanceof Error && cause.name === 'AbortError')) throw cause;
      const { task_id, attempt } = caller;
      this.#logger.debug({ task_id, attempt }, 'worker hung up during a git request');
    }
  }

  /** What the repository says of a push, until `deadline` aborts. */
  async findPush(from: Caller, { key, branch, commit }: ClaimedPush, deadline: AbortSignal): Promise<PushState> {
    if (branch === null) return 'missing';
    const ref = refOf(branch);
    const signal = AbortSignal.any([from.signal, deadline]);
    const ask = (asked: Omit<GitRequest, 'signal'>) => this.#ask({ ...from, key }, { ...asked, signal });
    return this.#limit.run(from.task_id, async () => {
      try {
        // The credential may have to be renewed first, which the signal does not end.
        const found = await Promise.race([findPush(ask, ref, commit), aborted(signal)]);
        signal.throwIfAborted();
        return found ?? 'unknown';
      } catch (error) {
        from.signal.throwIfAborted();
        const fields = { err: error, task_id: from.task_id, attempt: from.attempt, repository: key, ref };
        this.#logger.warn(fields, 'cannot check whether a commit was pushed');
        return 'unknown';
      }
    });
  }

  async #forward(request: IncomingMessage, response: ServerResponse, from: Caller, path: string): Promise<void> {
    await using held = new AsyncDisposableStack();
    const { service, is_rpc, key } = gitRouteOf(request, path);
    const caller: GitCaller = { ...from, key };
    const signal = abortOnClose(response, caller.signal);
    const git: GitRequest = { service, headers: gitHeaders(request), signal };
    const body = { chunks: requestBody(request, this.#pack_bytes_max), bytes: bodyLength(request) };
    const answer = await this.#answer(caller, git, is_rpc ? body : null, held);
    response.writeHead(200, answer.headers);
    await pipeline(answer.body, response, { signal });
  }

  /** `body`: of the request; null: it asks for the refs. */
  async #answer(
    caller: GitCaller,
    request: GitRequest,
    body: GitBody | null,
    held: AsyncDisposableStack,
  ): Promise<GitResponse> {
    if (request.service === 'git-upload-pack') return this.#ask(caller, body === null ? request : { ...request, body });
    if (body !== null) return this.#push(caller, request, body, held);
    // The answer is read: it must not be compressed.
    const headers = { ...request.headers, 'accept-encoding': 'identity' };
    const answer = await this.#ask(caller, { ...request, headers });
    const { 'content-length': _, ...rest } = answer.headers;
    return { headers: rest, body: Readable.from(withoutThinPacks(answer.body)) };
  }

  /**
   * Forwards a push where all its commands are allowed. Else nothing is forwarded, and git gets a reason for each
   * ref. `held`: is disposed of once the push is answered.
   */
  async #push(caller: GitCaller, request: GitRequest, sent: GitBody, held: AsyncDisposableStack): Promise<GitResponse> {
    const { task_id, attempt, key } = caller;
    this.#refused.requireFew(task_id);
    const opened = await openPush(sent);
    const { push, body, refuse } = opened;
    const reasons = await this.#faultsOf(opened, caller, request.signal, held);
    const refs = push.commands.map(({ ref }) => ref);
    if (reasons) {
      this.#refused.note(caller, 'push refused', refs, reasons);
      return refuse(reasons);
    }
    const repository = await this.#repository(caller);
    const begun = this.#pushed.add(caller, push.commands);
    const ended = (refused: PushCommand[]) => this.#settle(caller, begun, refused);
    // The report is read: it must not be compressed.
    const { 'accept-encoding': _, ...headers } = request.headers;
    const answer = await this.#send(caller, { ...request, headers, body }, repository).catch((error: unknown) => {
      ended(error instanceof ForgeError && error.is_refusal ? push.commands : []);
      throw error;
    });
    if (refs.length === 0) return answer;
    this.#logger.info({ task_id, attempt, repository: key, refs: logged(refs) }, 'push forwarded');
    const onReport = (refused: PushCommand[]): void => {
      ended(refused);
      const taken = push.commands.filter((command) => !refused.includes(command));
      if (taken.length > 0) this.#noteUse(caller, 'git.pushed', pushedFact(repository, key, taken));
    };
    return { ...answer, body: Readable.from(readingReport(answer.body, push, onReport)) };
  }

  /** Notes which commands the repository refused. `begun`: those that the task had not pushed before. */
  #settle(caller: GitCaller, begun: PushCommand[], refused: PushCommand[]): void {
    const refs = refused.map(({ ref }) => ref);
    if (refs.length > 0) this.#refused.note(caller, 'push refused by the repository', refs);
    const forgotten = begun.filter((command) => refused.includes(command));
    this.#pushed.keep(
      caller,
      begun.filter((command) => !refused.includes(command)),
    );
    if (forgotten.length > 0) this.#pushed.remove(caller, forgotten);
  }

  /** Why the push is refused: a reason for each command; null: it may be made. */
  async #faultsOf(
    opened: OpenedPush,
    caller: GitCaller,
    signal: AbortSignal,
    held: AsyncDisposableStack,
  ): Promise<string[] | null> {
    const { push } = opened;
    const { task_id } = caller;
    const work_branch = this.#workBranch(caller);
    const reasons = ruleFaults(push, { task_id, work_branch }) ?? this.#approval(caller, push);
    const named = commandFor(push, work_branch);
    if (reasons) return reasons;
    const kept = named
      ? []
      : push.commands.map((command) => ({ command, commits: this.#pushed.toKeep(caller, command) }));
    if (!named && kept.every(({ commits }) => commits.length === 0)) return null;
    const folder = held.use(await this.#folders.open(task_id, signal));
    const ask = (asked: Omit<GitRequest, 'signal'>) => this.#ask(caller, { ...asked, signal: folder.signal });
    if (!named) return lossFaults(ask, folder, await opened.storePack(folder), kept);
    const reason =
      (await namedBranchFault(ask, folder, task_id, named)) ??
      (await this.#protection(caller, work_branch ?? '', folder.signal));
    return reason === null ? null : [reason];
  }

  async #ask(caller: GitCaller, request: GitRequest): Promise<GitResponse> {
    return this.#send(caller, request, await this.#repository(caller));
  }

  async #send(caller: Caller, request: GitRequest, repository: ForgeRepository): Promise<GitResponse> {
    if (repository.repo_url === SAMPLE_REPO_URL) return this.#sample(request, caller.task_id);
    if (repository.credential) this.#noteUse(caller, 'secrets.used', { host: hostOf(repository) });
    return renewing(repository, !request.body, (by) => this.#forge.ask(by, request));
  }
}

/** What the audit log keeps of a push. `taken`: its commands that the repository did not refuse. */
function pushedFact(repository: ForgeRepository, key: string | null, taken: PushCommand[]): Record<string, unknown> {
  const refs = Object.fromEntries(taken.map((command) => [command.ref, command.new]));
  return { host: hostOf(repository), ...(key !== null && { repository: key }), refs };
}
