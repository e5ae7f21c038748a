import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { request, type Dispatcher } from 'undici';
import type { S3Destination } from '../../../base/backup-destination.ts';
import { BackupError } from '../error.ts';
import { hasRoot, text } from './xml.ts';

/** How patient the client is: how long nothing may move, and how long it waits before each further try, in milliseconds. */
export type Patience = { idle_ms: number; retry_ms: readonly number[] };
const PATIENCE: Patience = { idle_ms: 60_000, retry_ms: [1_000, 5_000] };

/** An answer that is read whole: a thousand keys at most are in one. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** Part of a file, `bytes` from `start` on, and its SHA-256 (hexadecimal). */
type FilePart = { path: string; start: number; bytes: number; sha256: string };

export type Asked = {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** The object's key; undefined asks the bucket. */
  key?: string;
  query?: Record<string, string>;
  /** Small bodies are text, large ones are read from a file. */
  body?: string | FilePart;
};

type Answer = Dispatcher.ResponseData;

/**
 * Signs requests to one bucket (AWS Signature Version 4, path-style addresses) and sends them. What the store or the network may do better in a
 * moment is tried again, a few times; what it refuses is not. A store that does not move for a while is given up. Redirects are not followed.
 */
export class S3Client {
  readonly #s3: S3Destination;
  readonly #patience: Patience;

  constructor(s3: S3Destination, patience: Patience = PATIENCE) {
    this.#s3 = s3;
    this.#patience = patience;
  }

  /** Sends a request and reads its answer. Throws a `BackupError` where the answer is not a 2xx. */
  async ask(asked: Asked, signal: AbortSignal): Promise<{ headers: Answer['headers']; text: string }> {
    return this.#persist(signal, async () => {
      const watch = new Watch(this.#patience.idle_ms, signal);
      try {
        const answer = await this.#send(asked, watch);
        return { headers: answer.headers, text: await readText(answer, watch) };
      } catch (error) {
        throw watch.stalled ? this.#stalled() : error;
      } finally {
        watch.end();
      }
    });
  }

  /** Begins to read an object. What fails on the way is the stream's error. */
  async read(key: string, signal: AbortSignal): Promise<Readable> {
    return this.#persist(signal, async () => {
      const watch = new Watch(this.#patience.idle_ms, signal);
      try {
        const { body } = await this.#send({ method: 'GET', key }, watch);
        return Readable.from(this.#chunks(body, watch));
      } catch (error) {
        watch.end();
        throw watch.stalled ? this.#stalled() : error;
      }
    });
  }

  async *#chunks(body: Answer['body'], watch: Watch): AsyncIterable<Buffer> {
    try {
      for await (const chunk of body) {
        watch.moved();
        yield chunk as Buffer;
      }
    } catch (error) {
      throw watch.stalled ? this.#stalled() : this.#unreached(error);
    } finally {
      watch.end();
    }
  }

  /** Tries until it is done, it was refused, or all tries were in vain. */
  async #persist<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    for (const wait_ms of this.#patience.retry_ms) {
      try {
        return await attempt();
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof BackupError && !(error instanceof Passing)) throw error;
      }
      await delay(wait_ms, undefined, { signal });
    }
    return attempt().catch((error: unknown) => {
      signal.throwIfAborted();
      throw error instanceof BackupError ? error : this.#unreached(error);
    });
  }

  async #send({ method, key, query = {}, body }: Asked, watch: Watch): Promise<Answer> {
    const { endpoint, region, bucket, access_key_id, secret_access_key } = this.#s3;
    const url = new URL(`${endpoint}/${bucket}${key === undefined ? '' : `/${key}`}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      // Of what is sent the store checks the checksum, too.
      headers: {
        'x-amz-content-sha256':
          typeof body === 'object'
            ? body.sha256
            : createHash('sha256')
                .update(body ?? '')
                .digest('hex'),
      },
      accessKeyId: access_key_id,
      secretAccessKey: secret_access_key,
      service: 's3',
      region,
    });
    const headers = Object.fromEntries((await signer.sign()).headers);
    const answer = await request(url, {
      method,
      headers: typeof body === 'object' ? { ...headers, 'content-length': String(body.bytes) } : headers,
      body: typeof body === 'object' ? Readable.from(readPart(body, watch)) : (body ?? null),
      signal: watch.signal,
      // The watch sees to both: these two would not see an upload that stands still.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    watch.moved();
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
    throw this.#refusal(answer.statusCode, await readText(answer, watch));
  }

  #refusal(status: number, xml: string): BackupError {
    const { endpoint, bucket } = this.#s3;
    const code = (hasRoot(xml, 'Error') && text(xml, 'Code')) || undefined;
    const named = code === undefined || !/^\w{1,100}$/.test(code) ? `${status}` : `${status} ${code}`;
    if (status === 401 || status === 403)
      return new BackupError(
        `The store at ${endpoint} refused (${named}): check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do in the bucket ${bucket}.`,
      );
    if (code === 'NoSuchBucket') return new BackupError(`The store at ${endpoint} has no bucket ${bucket}.`);
    if (status === 404) return new NotFound(`The store at ${endpoint} does not have it (${named}).`);
    if (status === 507) return new BackupError(`The store at ${endpoint} is full (${named}).`);
    if (status >= 300 && status < 400)
      return new BackupError(`The bucket ${bucket} is not at ${endpoint} (${named}): check ERRAND_BACKUP_S3_REGION.`);
    const words = `The store at ${endpoint} answered ${named}.`;
    return status === 429 || (status >= 500 && status !== 501) ? new Passing(words) : new BackupError(words);
  }

  #stalled(): BackupError {
    const s = Math.ceil(this.#patience.idle_ms / 1000);
    return new BackupError(`The store at ${this.#s3.endpoint} is too slow: nothing moved for ${s} s.`);
  }

  #unreached(cause: unknown): BackupError {
    const words = cause instanceof Error ? cause.message : String(cause);
    return new BackupError(`The store at ${this.#s3.endpoint} could not be reached: ${words}.`, { cause });
  }
}

/** The store does not have what was asked for. */
export class NotFound extends BackupError {}

/** What may go better in a moment. */
class Passing extends BackupError {}

/** Aborts its signal once nothing has moved for so long, or when the outer one aborts. */
class Watch {
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly signal: AbortSignal;
  stalled = false;

  constructor(idle_ms: number, outer: AbortSignal) {
    this.signal = AbortSignal.any([this.#abort.signal, outer]);
    this.#timer = setTimeout(() => {
      this.stalled = true;
      this.#abort.abort();
    }, idle_ms);
  }

  moved(): void {
    if (!this.stalled) this.#timer.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

async function* readPart({ path, start, bytes }: FilePart, watch: Watch): AsyncIterable<Buffer> {
  for await (const chunk of createReadStream(path, { start, end: start + bytes - 1 })) {
    yield chunk as Buffer;
    watch.moved();
  }
}

async function readText({ body }: Answer, watch: Watch): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    watch.moved();
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > ANSWER_BYTES_MAX) throw new BackupError('The store answered with more than such an answer can hold.');
  }
  return Buffer.concat(chunks).toString('utf8');
}
