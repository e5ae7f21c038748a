import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { paginateListObjectsV2, type CompletedPart, type S3 } from '@aws-sdk/client-s3';
import type { S3Destination } from '../../../base/backup-destination.ts';
import { BackupError } from '../error.ts';
import { readName } from '../name.ts';
import type { BackupStore, LocalFile, StoredFile } from '../store.ts';
import { openS3, S3_LIMITS, type S3Limits } from './client.ts';
import { hasCode, ignoreCode, notUnderstood, toStoreError } from './error.ts';

/** A larger file is sent in parts of this size. A part is held in memory, so that it can be sent again. */
const PART_BYTES = 16 * 1024 * 1024;
/** S3 accepts no more parts: those of a very large file are larger. */
const PARTS_MAX = 10_000;
/** A page lists a thousand objects. With more pages, the prefix has other files than backups. */
const PAGES_MAX = 100;
/** How long it may take to remove the parts of an upload that failed. */
const CLEANUP_MS = 30_000;

type Options = { abortSignal: AbortSignal };
type Upload = { Bucket: string; Key: string; UploadId: string };

/** Backups in a bucket of an S3-compatible store. */
export class S3Store implements BackupStore {
  readonly where: string;
  readonly #destination: S3Destination;
  readonly #s3: S3;
  readonly #idle_ms: number;
  readonly #part_bytes: number;

  /** Tests set `part_bytes` and `limits`; they have their defaults. */
  constructor(
    destination: S3Destination,
    { part_bytes = PART_BYTES, limits = S3_LIMITS }: { part_bytes?: number; limits?: S3Limits } = {},
  ) {
    this.where = `s3://${destination.bucket}/${destination.prefix}`;
    this.#destination = destination;
    this.#s3 = openS3(destination, limits);
    this.#idle_ms = limits.idle_ms;
    this.#part_bytes = part_bytes;
  }

  async put(name: string, file: LocalFile, signal: AbortSignal): Promise<void> {
    await this.#run(signal, async (options) => {
      if (file.bytes > this.#part_bytes) return this.#putInParts(name, file, options);
      await this.#s3.putObject({ ...this.#object(name), Body: await readFile(file.path) }, options);
    });
  }

  async list(signal: AbortSignal): Promise<StoredFile[]> {
    return this.#run(signal, async (options) => {
      const found: StoredFile[] = [];
      let pages = 0;
      for await (const page of paginateListObjectsV2({ client: this.#s3 }, this.#all(), options)) {
        if (page.Name === undefined) throw notUnderstood(this.#destination);
        for (const { Key, Size = 0 } of page.Contents ?? []) {
          const name = this.#backupName(Key);
          if (name !== undefined) found.push({ name, bytes: Size });
        }
        pages += 1;
        if (pages > PAGES_MAX)
          throw new BackupError(`There are too many files under ${this.where}: give backups a prefix of their own.`);
      }
      return found.sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  async get(name: string, signal: AbortSignal): Promise<Readable> {
    return this.#run(signal, async (options) => {
      const { Body } = await this.#s3.getObject(this.#object(name), options).catch((error: unknown) => {
        throw hasCode(error, 'NoSuchKey') ? new BackupError(`There is no backup ${name} in ${this.where}.`) : error;
      });
      if (!(Body instanceof Readable)) throw notUnderstood(this.#destination);
      return Readable.from(this.#content(Body));
    });
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    // Amazon's store does not report a missing object. Others do.
    await this.#run(signal, (options) =>
      this.#s3.deleteObject(this.#object(name), options).catch(ignoreCode('NoSuchKey')),
    );
  }

  /** Sends requests. Throws the signal's reason if it aborted, and a `BackupError` for every other failure. */
  async #run<T>(signal: AbortSignal, work: (options: Options) => Promise<T>): Promise<T> {
    try {
      return await work({ abortSignal: signal });
    } catch (error) {
      signal.throwIfAborted();
      throw toStoreError(error, this.#destination, this.#idle_ms);
    }
  }

  async *#content(body: Readable): AsyncIterable<unknown> {
    try {
      yield* body;
    } catch (error) {
      throw toStoreError(error, this.#destination, this.#idle_ms);
    }
  }

  async #putInParts(name: string, file: LocalFile, options: Options): Promise<void> {
    await this.#abortUnfinished(options);
    const { UploadId } = await this.#s3.createMultipartUpload(this.#object(name), options);
    if (UploadId === undefined) throw notUnderstood(this.#destination);
    const upload = { ...this.#object(name), UploadId };
    try {
      const MultipartUpload = { Parts: await this.#putParts(upload, file, options) };
      await this.#s3.completeMultipartUpload({ ...upload, MultipartUpload }, options);
    } catch (error) {
      // If only the answer got lost, the upload is completed, and the SDK's next try does not find it any more.
      if (hasCode(error, 'NoSuchUpload') && (await this.#has(name, file, options))) return;
      const cleanup = { abortSignal: AbortSignal.timeout(CLEANUP_MS) };
      await this.#s3.abortMultipartUpload(upload, cleanup).catch(() => undefined);
      throw error;
    }
  }

  /** Sends the parts one after the other. */
  async #putParts(upload: Upload, { path, bytes }: LocalFile, options: Options): Promise<CompletedPart[]> {
    const parts: CompletedPart[] = [];
    const highWaterMark = Math.max(this.#part_bytes, Math.ceil(bytes / PARTS_MAX));
    for await (const Body of createReadStream(path, { highWaterMark }) as AsyncIterable<Buffer>) {
      const PartNumber = parts.length + 1;
      const { ETag } = await this.#s3.uploadPart({ ...upload, PartNumber, Body }, options);
      parts.push({ PartNumber, ETag });
    }
    return parts;
  }

  /** Removes the parts that killed runs left: they are in no list of objects, but take space and cost money. */
  async #abortUnfinished(options: Options): Promise<void> {
    const { Uploads = [] } = await this.#s3.listMultipartUploads(this.#all(), options);
    for (const { Key, UploadId } of Uploads)
      if (this.#backupName(Key) !== undefined)
        await this.#s3
          .abortMultipartUpload({ Bucket: this.#destination.bucket, Key, UploadId }, options)
          .catch(ignoreCode('NoSuchUpload'));
  }

  async #has(name: string, { bytes }: LocalFile, { abortSignal }: Options): Promise<boolean> {
    return (await this.list(abortSignal)).some((other) => other.name === name && other.bytes === bytes);
  }

  #all(): { Bucket: string; Prefix: string } {
    return { Bucket: this.#destination.bucket, Prefix: this.#destination.prefix };
  }

  #object(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.#destination.bucket, Key: this.#destination.prefix + name };
  }

  /** The name of the backup with this key. Undefined: it is not a backup. */
  #backupName(key = ''): string | undefined {
    const { prefix } = this.#destination;
    return key.startsWith(prefix) ? readName(key.slice(prefix.length))?.name : undefined;
  }
}
