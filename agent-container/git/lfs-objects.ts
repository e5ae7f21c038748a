import { createHash } from 'node:crypto';
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { LIMITS } from '../../protocol/limits.ts';
import { AttemptFailure } from '../base/failure.ts';
import { openRegularFile } from '../base/regular-file.ts';
import { temporaryName } from '../base/temporary-name.ts';
import { Disconnected, isTemporary } from './git-failure.ts';
import { errorSummary, wasKilled, type Git } from './git.ts';
import type { LfsBlob, Pointer } from './lfs-blobs.ts';
import { lfsFiles } from './lfs-blobs.ts';
import { otherLfsServer } from './lfs-config.ts';
import { lfsRemote } from './lfs-settings.ts';
import { askRemote, retryRemote, tryRemote, type Remote } from './remote.ts';
import type { Repositories } from './repositories.ts';

const UPLOAD_MS = 1_800_000;
const DOWNLOAD_MS = 300_000;
/** A clone with more than this gets its files of Git LFS one by one, when they are needed. */
const CLONE_BYTES_MAX = 256 * 1024 * 1024;
const MIB = 1024 * 1024;

/** Where git-lfs keeps the content of an object. */
function objectPath({ git_dir }: Git, { oid }: Pointer): string {
  return join(git_dir, 'lfs/objects', oid.slice(0, 2), oid.slice(2, 4), oid);
}

/**
 * Gets the content of the clone's files of Git LFS. Returns why some are only pointers, for people and the model; null:
 * none is.
 */
export async function fetchLfs(own: Git, remote: Remote): Promise<string | null> {
  const files = (await lfsFiles(own)).flatMap(({ pointer }) => pointer ?? []);
  if (files.length === 0) return null;
  const other = await otherLfsServer(own, '', remote.repo_url);
  if (other !== null)
    return `The files of Git LFS are at ${other} (.lfsconfig), which Errand does not reach: they are only pointers here, and changes of them cannot be pushed.`;
  const how = 'git lfs pull --include="<path>" gets the content of one.';
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes > CLONE_BYTES_MAX)
    return `The files of Git LFS have ${Math.round(bytes / MIB)} MiB together, so they are only pointers here: ${how}`;
  const args = [...lfsRemote(remote.url), 'lfs', 'pull', 'origin'];
  const { result } = await tryRemote(own, remote, args, { time_limit_ms: DOWNLOAD_MS });
  if (result.code === 0) return null;
  const why = result.timed_out ? `it took more than ${DOWNLOAD_MS / 60_000} minutes` : errorSummary(result);
  return `Files of Git LFS could not be fetched, and are only pointers here (${why}). Should it work again, ${how}`;
}

/** Brings the objects of new pointers from the agent's repository, where it made commits of its own. */
export async function importObjects({ own, agents }: Repositories, blobs: LfsBlob[]): Promise<void> {
  for (const { pointer } of blobs) {
    if (pointer === null || pointer.size > LIMITS.lfs_object_bytes_max) continue;
    if ((await lstat(objectPath(own, pointer)).catch(() => null)) !== null) continue;
    own.signal.throwIfAborted();
    const [from, to] = [objectPath(agents, pointer), objectPath(own, pointer)];
    await copyObject(from, to, pointer, own.signal).catch(() => undefined);
  }
}

/** Copies what is the object, and nothing else: the agent may have put anything there. */
async function copyObject(from: string, to: string, { oid, size }: Pointer, signal: AbortSignal): Promise<void> {
  const file = await openRegularFile(from);
  if (!file) return;
  const part = join(dirname(to), temporaryName());
  try {
    if ((await file.stat()).size !== size) return;
    await mkdir(dirname(to), { recursive: true });
    const hash = createHash('sha256');
    const hashed = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    const target = await open(part, 'wx');
    const content = file.createReadStream({ autoClose: false, end: size });
    await pipeline(content, hashed, target.createWriteStream(), { signal });
    if (hash.digest('hex') === oid) await rename(part, to);
  } finally {
    await file.close();
    await rm(part, { force: true });
  }
}

/**
 * Reads the text of an object that is here, in pieces, until `onText` returns false. Rejects when `signal` is aborted.
 */
export async function readObject(
  own: Git,
  pointer: Pointer,
  { signal, onText }: { signal: AbortSignal; onText: (text: string) => boolean },
): Promise<void> {
  const path = objectPath(own, pointer);
  if ((await lstat(path).catch(() => null)) === null) return;
  const file = await openRegularFile(path);
  if (!file) throw new Error(`The object ${pointer.oid} of Git LFS is no file.`);
  const decoder = new StringDecoder('utf8');
  try {
    const chunks: AsyncIterable<Buffer> = file.createReadStream({ autoClose: false, signal });
    for await (const chunk of chunks) if (!onText(decoder.write(chunk))) return;
  } finally {
    await file.close();
  }
}

/**
 * Uploads the objects of a commit that the remote does not have, before the commit is pushed. `known`: a commit that
 * the remote has. Throws `AttemptFailure`.
 */
export async function uploadObjects(
  own: Git,
  remote: Remote,
  { branch, commit, known }: { branch: string; commit: string; known: string | null },
): Promise<void> {
  const ref = `refs/heads/${branch}`;
  const input = `${ref} ${commit} ${ref} ${known ?? '0'.repeat(commit.length)}\n`;
  await retryRemote(own, 'push_failed', async () => {
    const args = [...lfsRemote(remote.url), 'lfs', 'pre-push', 'origin', remote.url];
    const { result, failure } = await askRemote(own, remote, args, { input, time_limit_ms: UPLOAD_MS });
    if (result.code === 0) return;
    if (failure?.is_disconnected) throw new Disconnected('push_failed', 'Files of Git LFS could not be uploaded');
    // What took too long is not tried again.
    const is_temporary = !result.timed_out && (isTemporary(failure) || wasKilled(result));
    const text = `Files of Git LFS could not be uploaded, so the work was not pushed: ${errorSummary(result)}.`;
    throw new AttemptFailure(is_temporary ? 'push_failed' : 'push_rejected', text.replace(/\.\.$/, '.'));
  });
}
