import { mkdir, mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { GitSlots } from './git-slots.ts';

/** The packs of a push that is checked: the pushed one, and what the repository has before and after it. */
export type PackName = 'pushed' | 'before' | 'after';

/**
 * Folders for the packs of the pushes that are checked, so that no pack is held in memory. A task has one at a time,
 * and so many exist in all.
 */
export class PackFolders {
  readonly #dir: string;
  readonly #ms_max: number;
  readonly #folders = new GitSlots({ at_once_max: LIMITS.checked_pushes_at_once_max, of_one_max: 1 });
  /** A git that reads packs takes a quarter of a gigabyte: one at a time, of each task in turn. */
  readonly #git = new GitSlots({ at_once_max: 1, of_one_max: 1 });

  /** `dir`: where they are made. `ms_max`: how long one may be used. */
  constructor(dir: string, ms_max: number = LIMITS.checked_push_ms) {
    this.#dir = dir;
    this.#ms_max = ms_max;
  }

  /** Opens a folder once the task has no other one. Rejects with `unavailable` if the signal aborts before. */
  async open(task_id: string, signal: AbortSignal): Promise<PackFolder> {
    const giveBack = await this.#folders.take(task_id, signal);
    try {
      await mkdir(this.#dir, { recursive: true, mode: 0o700 });
      const path = await mkdtemp(join(this.#dir, 'push-'));
      const limited = AbortSignal.any([signal, AbortSignal.timeout(this.#ms_max)]);
      return new PackFolder(path, limited, () => this.#git.take(task_id, limited), giveBack);
    } catch (error) {
      giveBack();
      throw error;
    }
  }
}

/** Dispose of it when the push has been answered: its packs are forwarded from here. */
export class PackFolder implements AsyncDisposable {
  readonly #path: string;
  /** Aborts with the request, and with a `TimeoutError` once the folder was used for too long. */
  readonly signal: AbortSignal;
  readonly #takeGit: () => Promise<() => void>;
  readonly #giveBack: () => void;

  constructor(path: string, signal: AbortSignal, takeGit: () => Promise<() => void>, giveBack: () => void) {
    this.#path = path;
    this.signal = signal;
    this.#takeGit = takeGit;
    this.#giveBack = giveBack;
  }

  /**
   * Stores a pack in place of the one with this name, and resolves with its path. Rejects with `too_large` above
   * `named_branch_pack_bytes_max`, and with the signal's reason.
   */
  async store(name: PackName, chunks: AsyncIterable<Buffer>): Promise<string> {
    const path = join(this.#path, `${name}.pack`);
    const late = Promise.withResolvers<never>();
    const onAbort = () => late.reject(this.signal.reason);
    this.signal.addEventListener('abort', onAbort, { once: true });
    try {
      this.signal.throwIfAborted();
      await using file = await open(path, 'w', 0o600);
      // A sender that falls silent would keep the loop waiting.
      await Promise.race([write(file, chunks), late.promise]);
      return path;
    } finally {
      this.signal.removeEventListener('abort', onAbort);
    }
  }

  /** Calls `work` with the path of a folder for a repository, which is removed again. Other tasks wait meanwhile. */
  async withRepository<T>(work: (path: string) => Promise<T>): Promise<T> {
    const giveBack = await this.#takeGit();
    const path = join(this.#path, 'check.git');
    try {
      await mkdir(path);
      return await work(path);
    } finally {
      await rm(path, { recursive: true, force: true });
      giveBack();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
    this.#giveBack();
  }
}

async function write(file: FileHandle, chunks: AsyncIterable<Buffer>): Promise<void> {
  const bytes_max = LIMITS.named_branch_pack_bytes_max;
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > bytes_max) throw new ErrandError('too_large', `A pack that is checked has at most ${bytes_max} bytes.`);
    // Rejects once the file was closed.
    await file.appendFile(chunk);
  }
}
