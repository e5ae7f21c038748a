import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { shapeOf } from '../../../protocol/json-shape.ts';
import { LFS_MEDIA_TYPE, LfsBatchRequest, type LfsObject } from '../../../protocol/lfs.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { SAMPLE_REPO_URL } from '../../../protocol/task.ts';
import { parseJson } from '../../base/json-body.ts';
import type { Logger } from '../../base/logger.ts';
import { attemptKey } from '../../domain/attempt-key.ts';
import { hostOf, type ForgeRepository } from '../../domain/forge-repository.ts';
import type { RepositoryOfTask } from '../../domain/task-repository.ts';
import { abortOnClose } from '../abort-on-close.ts';
import type { Caller } from '../caller.ts';
import { ConcurrencyLimit } from '../concurrency-limit.ts';
import type { NoteUse } from '../worker-audit.ts';
import type { Forge } from './forge.ts';
import { LfsSeal, type LfsAction } from './lfs-action.ts';
import { actionFor, askBatch, download, upload, type Answered } from './lfs-forge.ts';
import { plainText } from './lfs-refusal.ts';
import { lfsRouteOf, objectsUrl } from './lfs-route.ts';
import type { RefusedPushes } from './refused-pushes.ts';
import { renewing } from './renewing.ts';
import { bodyLength, requestBody } from './request-body.ts';

/** Why objects may not be uploaded to a repository yet; null: they may. */
export type UploadApproval = (where: RepositoryOfTask, oids: string[]) => string | null;

export type LfsDependencies = {
  forge: Forge;
  repository: (where: RepositoryOfTask) => ForgeRepository | Promise<ForgeRepository>;
  approval: UploadApproval;
  noteUse: NoteUse;
  refused: RefusedPushes;
  logger: Logger;
  /** What one attempt may move, in bytes. */
  attempt_bytes_max: number;
};

/** `ends`: aborted when the attempt ends; `signal` when the request does too. */
type LfsCaller = Caller & RepositoryOfTask & { ends: AbortSignal };

const SHAPE = shapeOf(1_000);
const TOO_LARGE = `Errand moves objects of Git LFS up to ${LIMITS.lfs_object_bytes_max / 1024 / 1024} MiB.`;

/**
 * Git LFS for a worker: batch requests are sent on to the LFS server of its repository, and the objects are carried
 * between both. The worker gets addresses of this proxy in place of the forge's.
 */
export class LfsProxy {
  readonly #deps: LfsDependencies;
  readonly #seal = new LfsSeal();
  /** What each attempt has moved, in bytes. */
  readonly #moved = new Map<string, number>();
  readonly #limit = new ConcurrencyLimit(
    LIMITS.lfs_transfers_at_once_max,
    'The task moves too many objects of Git LFS at once.',
  );

  constructor(deps: LfsDependencies) {
    this.#deps = deps;
  }

  /** Answers one request of Git LFS. Rejects with an `ErrandError`. */
  async forward(request: IncomingMessage, response: ServerResponse, from: Caller, path: string): Promise<void> {
    const route = lfsRouteOf(request, path);
    const signal = AbortSignal.any([abortOnClose(response, from.signal), AbortSignal.timeout(LIMITS.lfs_transfer_ms)]);
    const caller: LfsCaller = { ...from, key: route.key, signal, ends: from.signal };
    await this.#limit.run(caller.task_id, async () => {
      if (route.kind === 'batch') return this.#batch(request, response, caller);
      const action = this.#seal.open(route.action, contextOf(caller), route.kind);
      this.#requireRoom(from, action.size);
      return route.kind === 'upload'
        ? this.#upload(request, response, caller, action)
        : this.#download(response, caller, action);
    });
  }

  async #batch(request: IncomingMessage, response: ServerResponse, caller: LfsCaller): Promise<void> {
    const url = objectsUrl(request);
    const asked = await readBatch(request);
    const { operation } = asked;
    if (operation === 'upload') this.#requireApproval(caller, asked.objects);
    const repository = await this.#deps.repository(caller);
    if (repository.repo_url === SAMPLE_REPO_URL)
      throw new ErrandError('not_found', 'The sample repository has no LFS server.');
    const objects = asked.objects.filter(({ size }) => size <= LIMITS.lfs_object_bytes_max);
    const large = asked.objects.filter(({ size }) => size > LIMITS.lfs_object_bytes_max);
    if (repository.credential) this.#deps.noteUse(caller, 'secrets.used', { host: hostOf(repository) });
    const answered =
      objects.length === 0
        ? []
        : await renewing(repository, true, (by) =>
            askBatch(this.#deps.forge, by, { operation, objects }, caller.signal),
          );
    const describe = (answer: Answered) => this.#describe(answer, operation, repository, url, contextOf(caller));
    const refused = large.map(({ oid, size }) => ({ oid, size, error: { code: 413, message: TOO_LARGE } }));
    const body = { transfer: 'basic', objects: [...answered.map(describe), ...refused], hash_algo: 'sha256' };
    response.writeHead(200, { 'content-type': LFS_MEDIA_TYPE, 'cache-control': 'no-store' }).end(JSON.stringify(body));
  }

  /** What the worker is told of an object. */
  #describe(answered: Answered, kind: LfsAction['kind'], { repo_url }: ForgeRepository, url: string, context: string) {
    const { oid, size, error, actions } = answered;
    if (error) return { oid, size, error: { code: error.code, message: plainText(error.message) } };
    const action = actionFor(answered, kind, repo_url);
    if (action === null) return { oid, size };
    const sealed = this.#seal.seal(action, context);
    if (sealed === null) {
      const message = 'The address that the LFS server names for this object is too long.';
      return { oid, size, error: { code: 500, message } };
    }
    const { expires_in, expires_at } = actions?.[kind] ?? {};
    const expiry = { ...(expires_in && { expires_in }), ...(expires_at && { expires_at }) };
    return { oid, size, actions: { [kind]: { href: url + sealed, ...expiry } } };
  }

  async #upload(request: IncomingMessage, response: ServerResponse, caller: LfsCaller, action: LfsAction) {
    const { oid, size } = action;
    this.#requireApproval(caller, [action]);
    const declared = bodyLength(request);
    if (declared !== undefined && declared !== size)
      throw new ErrandError('invalid', `The object ${oid} has ${size} bytes, not ${declared}.`);
    const { forge, logger } = this.#deps;
    const repository = await this.#deps.repository(caller);
    const { task_id, attempt, key, signal } = caller;
    await upload(action, this.#counted(caller, requestBody(request, size)), { forge, repository, signal });
    logger.info({ task_id, attempt, repository: key, oid, size }, 'lfs object uploaded');
    this.#deps.noteUse(caller, 'git.lfs_uploaded', {
      host: hostOf(repository),
      ...(key !== null && { repository: key }),
      oid,
      size,
    });
    response.writeHead(200).end();
  }

  async #download(response: ServerResponse, caller: LfsCaller, action: LfsAction) {
    const { signal } = caller;
    const repository = await this.#deps.repository(caller);
    const content = await download(action, { forge: this.#deps.forge, repository, signal });
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': action.size });
    await pipeline(Readable.from(this.#counted(caller, content)), response, { signal });
  }

  #requireApproval(caller: LfsCaller, objects: LfsObject[]): void {
    const { task_id, key } = caller;
    const oids = objects.map(({ oid }) => oid);
    const reason = this.#deps.approval({ task_id, key }, oids);
    if (reason === null) return;
    this.#deps.refused.requireFew(task_id);
    this.#deps.refused.note(caller, 'lfs upload refused', oids, [reason]);
    throw new ErrandError('forbidden', `Objects of Git LFS may not be uploaded: ${reason}.`);
  }

  /** Counts what an attempt moves, until it ends. Throws `too_large` above its bound. */
  async *#counted(caller: LfsCaller, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const key = attemptKey(caller);
    if (!this.#moved.has(key)) caller.ends.addEventListener('abort', () => this.#moved.delete(key), { once: true });
    for await (const chunk of chunks) {
      this.#requireRoom(caller, chunk.length);
      if (!caller.ends.aborted) this.#moved.set(key, (this.#moved.get(key) ?? 0) + chunk.length);
      yield chunk;
    }
  }

  #requireRoom(caller: Caller, bytes: number): void {
    const max = this.#deps.attempt_bytes_max;
    if ((this.#moved.get(attemptKey(caller)) ?? 0) + bytes > max)
      throw new ErrandError('too_large', `One attempt moves up to ${max / 1024 ** 3} GiB of objects of Git LFS.`);
  }
}

async function readBatch(request: IncomingMessage): Promise<LfsBatchRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of requestBody(request, LIMITS.lfs_batch_bytes_max)) chunks.push(chunk);
  const parsed = LfsBatchRequest.safeParse(parseJson(Buffer.concat(chunks), SHAPE));
  if (!parsed.success) {
    const text = `The body is not a batch request of Git LFS with up to ${LIMITS.lfs_objects_per_batch_max} objects.`;
    throw new ErrandError('invalid', text);
  }
  if (parsed.data.transfers?.includes('basic') === false)
    throw new ErrandError('invalid', 'Of the transfers of Git LFS only basic is supported.');
  return parsed.data;
}

/** The attempt and the repository whose transfers are sealed together. */
const contextOf = (caller: LfsCaller) => `${attemptKey(caller)}/${caller.key ?? ''}`;
