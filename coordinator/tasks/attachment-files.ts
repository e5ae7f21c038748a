import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SNIFF_BYTES } from '../../protocol/file-kind.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { errorCode } from '../base/error-code.ts';

/** Which file: the content is part of its name, so no upload replaces another one. */
export type FileId = { user_id: string; id: string; sha256: string };
/** A file that was written. `head`: its first bytes. */
export type Written = {
  bytes: number;
  sha256: string;
  head: Uint8Array;
  keep: () => Promise<void>;
  drop: () => Promise<void>;
};

const FOLDER = 'attachments';
const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** The bytes of attachments: a folder per person in the data folder, and no name from outside in any path. */
export class AttachmentFiles {
  readonly #dir: string;

  constructor(data_dir: string) {
    this.#dir = join(data_dir, FOLDER);
  }

  /**
   * Writes a stream to a temporary file. Call `keep` or `drop` of what it resolves with. Rejects with `too_large` above
   * `bytes_max`, with `unavailable` if the disk is full, and with the error of a stream that breaks off.
   */
  async write(user_id: string, id: string, source: AsyncIterable<Uint8Array>, bytes_max: number): Promise<Written> {
    const folder = join(this.#dir, user_id);
    const path = join(folder, `${id}.${randomUUID()}.part`);
    const hash = createHash('sha256');
    const head: Uint8Array[] = [];
    let [bytes, sniffed] = [0, 0];
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await using file = await open(path, 'wx', 0o600);
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytes > bytes_max) throw tooLarge(bytes_max);
        hash.update(chunk);
        if (sniffed < SNIFF_BYTES) head.push(chunk.subarray(0, SNIFF_BYTES - sniffed));
        sniffed += chunk.length;
        // Unlike `write`, it does not stop in the middle where the disk has no room for all of it.
        await file.appendFile(chunk);
      }
      await file.sync();
    } catch (error) {
      await rm(path, { force: true });
      if (FULL.has(errorCode(error) ?? ''))
        throw new ErrandError('unavailable', 'The disk of the server is full.', { cause: error });
      throw error;
    }
    const sha256 = hash.digest('hex');
    return {
      bytes,
      sha256,
      head: Buffer.concat(head),
      keep: () => rename(path, this.#path({ user_id, id, sha256 })),
      drop: () => rm(path, { force: true }),
    };
  }

  /** Opens a file to read. Rejects with `not_found` if it is gone, such as after a restore. */
  async read(file: FileId): Promise<{ stream: ReadStream; bytes: number }> {
    const path = this.#path(file);
    const found = await stat(path).catch(() => undefined);
    if (!found) throw new ErrandError('not_found', 'The file is not on the server any more.');
    return { stream: createReadStream(path), bytes: found.size };
  }

  async has(file: FileId): Promise<boolean> {
    return (await stat(this.#path(file)).catch(() => undefined)) !== undefined;
  }

  async remove(file: FileId): Promise<void> {
    await rm(this.#path(file), { force: true });
  }

  /** The files of all people that were last written before a time, in milliseconds since 1970. */
  async *before(
    ms: number,
  ): AsyncGenerator<{ user_id: string; id: string; name: string; remove: () => Promise<void> }> {
    for (const user_id of await readdir(this.#dir).catch(() => []))
      for (const name of await readdir(join(this.#dir, user_id)).catch(() => [])) {
        const path = join(this.#dir, user_id, name);
        const found = await stat(path).catch(() => undefined);
        const [id = ''] = name.split('.', 1);
        if (found && found.mtimeMs < ms) yield { user_id, id, name, remove: () => rm(path, { force: true }) };
      }
  }

  /** The name of a file in its person's folder. */
  static nameOf({ id, sha256 }: Pick<FileId, 'id' | 'sha256'>): string {
    return `${id}.${sha256.slice(0, 16)}`;
  }

  #path(file: FileId): string {
    return join(this.#dir, file.user_id, AttachmentFiles.nameOf(file));
  }
}

function tooLarge(bytes_max: number): ErrandError {
  if (bytes_max < LIMITS.attachment_bytes_max) return noRoom();
  return new ErrandError('too_large', `A file may have ${Math.floor(bytes_max / 1024 / 1024)} MB at most.`);
}

/** A person's attachments take all the room that one person may have. */
export function noRoom(): ErrandError {
  return new ErrandError('too_large', 'Your attachments take all the room that you have: delete errands.');
}
