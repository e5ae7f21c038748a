import type { Readable } from 'node:stream';
import { checksumOf } from '../checksum.ts';
import type { S3Destination } from '../../../base/backup-destination.ts';
import { BackupError } from '../error.ts';
import { readName } from '../name.ts';
import type { BackupStore, LocalFile, StoredFile } from '../store.ts';
import { NotFound, S3Client, type Patience } from './client.ts';
import { elements, escape, hasRoot, text } from './xml.ts';

/** A file up to this size goes in one request; a larger one in parts of this size, of which S3 takes 10,000. */
const PART_BYTES = 64 * 1024 * 1024;
/** A list has a thousand keys a page. Whoever keeps more than this has something else under the prefix. */
const PAGES_MAX = 100;
/** How long the parts of an upload that failed may take to be thrown away. */
const ABORT_MS = 30_000;

/** Backups in a bucket of an S3-compatible store. */
export class S3Store implements BackupStore {
  readonly where: string;
  readonly #client: S3Client;
  readonly #prefix: string;
  readonly #part_bytes: number;

  /** Tests set `part_bytes` and `patience`; they have their defaults. */
  constructor(
    s3: S3Destination,
    { part_bytes = PART_BYTES, patience }: { part_bytes?: number; patience?: Patience } = {},
  ) {
    this.where = `s3://${s3.bucket}/${s3.prefix}`;
    this.#client = new S3Client(s3, patience);
    this.#prefix = s3.prefix;
    this.#part_bytes = part_bytes;
  }

  async put(name: string, file: LocalFile, signal: AbortSignal): Promise<void> {
    if (file.bytes > this.#part_bytes) return this.#putInParts(name, file, signal);
    await this.#client.ask({ method: 'PUT', key: this.#prefix + name, body: { ...file, start: 0 } }, signal);
  }

  async list(signal: AbortSignal): Promise<StoredFile[]> {
    const found: StoredFile[] = [];
    let token: string | undefined;
    for (let page = 0; page < PAGES_MAX; page++) {
      const query = { 'list-type': '2', prefix: this.#prefix, ...(token && { 'continuation-token': token }) };
      const { text: xml } = await this.#client.ask({ method: 'GET', query }, signal);
      if (!hasRoot(xml, 'ListBucketResult')) throw notUnderstood('list');
      found.push(...elements(xml, 'Contents').flatMap((object) => this.#readObject(object) ?? []));
      token = text(xml, 'NextContinuationToken');
      if (text(xml, 'IsTruncated') !== 'true') return found.sort((a, b) => (a.name < b.name ? -1 : 1));
      if (token === undefined) throw notUnderstood('list');
    }
    throw new BackupError(`There are too many files under ${this.where}: give backups a prefix of their own.`);
  }

  async get(name: string, signal: AbortSignal): Promise<Readable> {
    return this.#client.read(this.#prefix + name, signal).catch((error: unknown) => {
      throw error instanceof NotFound ? new BackupError(`There is no backup ${name} in ${this.where}.`) : error;
    });
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    await this.#client.ask({ method: 'DELETE', key: this.#prefix + name }, signal).catch(unlessMissing);
  }

  #readObject(xml: string): StoredFile | undefined {
    const [key, size] = [text(xml, 'Key'), text(xml, 'Size')];
    if (key === undefined || size === undefined || !/^\d{1,15}$/.test(size)) throw notUnderstood('list');
    const name = key.slice(this.#prefix.length);
    return key.startsWith(this.#prefix) && readName(name) ? { name, bytes: Number(size) } : undefined;
  }

  async #putInParts(name: string, file: LocalFile, signal: AbortSignal): Promise<void> {
    await this.#removeUnfinished(signal);
    const key = this.#prefix + name;
    const begun = await this.#client.ask({ method: 'POST', key, query: { uploads: '' } }, signal);
    const uploadId = text(begun.text, 'UploadId');
    if (uploadId === undefined) throw notUnderstood('upload');
    try {
      const tags = await this.#putParts(key, uploadId, file, signal);
      const parts = tags.map(
        (tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escape(tag)}</ETag></Part>`,
      );
      const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
      await this.#complete(key, uploadId, body, signal);
    } catch (error) {
      // The upload is gone where it was completed, and the answer was lost on the way: a second try does not find it then.
      if (error instanceof NotFound && (await this.#has(name, file, signal))) return;
      await this.#abort(key, uploadId, AbortSignal.timeout(ABORT_MS)).catch(() => undefined);
      throw error;
    }
  }

  async #complete(key: string, uploadId: string, body: string, signal: AbortSignal): Promise<void> {
    const { text: xml } = await this.#client.ask({ method: 'POST', key, query: { uploadId }, body }, signal);
    // Its status is sent before the parts are put together: what comes of that is in the body.
    if (!hasRoot(xml, 'CompleteMultipartUploadResult'))
      throw new BackupError(`The store could not put the parts together (${text(xml, 'Code') ?? 'no reason given'}).`);
  }

  async #has(name: string, { bytes }: LocalFile, signal: AbortSignal): Promise<boolean> {
    return (await this.list(signal)).some((other) => other.name === name && other.bytes === bytes);
  }

  /** Sends the parts one after the other; gives the tag of each. */
  async #putParts(key: string, uploadId: string, { path, bytes }: LocalFile, signal: AbortSignal): Promise<string[]> {
    const tags: string[] = [];
    for (let start = 0; start < bytes; start += this.#part_bytes) {
      const size = Math.min(this.#part_bytes, bytes - start);
      const body = { path, start, bytes: size, sha256: await checksumOf(path, start, size) };
      const query = { partNumber: String(tags.length + 1), uploadId };
      const { etag } = (await this.#client.ask({ method: 'PUT', key, query, body }, signal)).headers;
      if (typeof etag !== 'string') throw notUnderstood('part');
      tags.push(etag);
    }
    return tags;
  }

  /** Throws away the parts that a run which was killed left behind: they are in no list, and cost all the same. */
  async #removeUnfinished(signal: AbortSignal): Promise<void> {
    const { text: xml } = await this.#client.ask(
      { method: 'GET', query: { uploads: '', prefix: this.#prefix } },
      signal,
    );
    for (const upload of elements(xml, 'Upload')) {
      const [key, uploadId] = [text(upload, 'Key'), text(upload, 'UploadId')];
      if (key?.startsWith(this.#prefix) && uploadId !== undefined && readName(key.slice(this.#prefix.length)))
        await this.#abort(key, uploadId, signal);
    }
  }

  async #abort(key: string, uploadId: string, signal: AbortSignal): Promise<void> {
    await this.#client.ask({ method: 'DELETE', key, query: { uploadId } }, signal).catch(unlessMissing);
  }
}

function unlessMissing(error: unknown): void {
  if (!(error instanceof NotFound)) throw error;
}

function notUnderstood(what: string): BackupError {
  return new BackupError(`The store's answer to a ${what} was not understood: is it S3-compatible?`);
}
