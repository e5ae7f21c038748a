import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import type { S3Destination } from '../../coordinator/base/backup-destination.ts';

/**
 * What the store does wrong. It answers with an S3 error (`code`) or with a `body` of its own, or it
 * - `silent`: reads the request and never answers,
 * - `unread`: never reads the request,
 * - `cut`: sends half of an object and closes the connection,
 * - `stalled`: sends half of an object and nothing more,
 * - `lost`: handles the request, then closes the connection without a response.
 */
type S3Fault =
  | { status: number; code: string }
  | { status: number; body: string }
  | 'silent'
  | 'unread'
  | 'cut'
  | 'stalled'
  | 'lost';

export type S3Stub = {
  destination: S3Destination;
  /** Its objects, by key. */
  objects: Map<string, Buffer>;
  /** The requests that it got, such as `PUT /backups/errand/x`. */
  requests: string[];
  /**
   * Sets what it does wrong from now on; undefined: nothing. The fault may be limited to a number of requests, to a
   * method, and to requests with a parameter.
   */
  fail: (fault: S3Fault | undefined, of?: { times?: number; method?: string; query?: string }) => unknown;
};

/** A store that speaks as much S3 as backups need, and fails on demand. It checks no signatures: Swift does. */
export async function startS3Stub(t: ExecutionContext, { page_keys = 1000 } = {}): Promise<S3Stub> {
  const objects = new Map<string, Buffer>();
  const requests: string[] = [];
  const upload = new Upload(objects);
  let failing:
    { fault: S3Fault | undefined; left: number; method: string | undefined; query: string | undefined } | undefined;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://stub');
    requests.push(`${request.method} ${url.pathname}`);
    const concerned =
      failing &&
      (failing.method ?? request.method) === request.method &&
      (failing.query === undefined || url.searchParams.has(failing.query));
    const wrong = concerned && failing && failing.left-- > 0 ? failing.fault : undefined;
    if (wrong === 'unread') return void request.pause();
    const body = await buffer(request);
    if (wrong === 'silent') return;
    if (typeof wrong === 'object')
      return void response
        .writeHead(wrong.status)
        .end('body' in wrong ? wrong.body : `<?xml version="1.0"?>\n<Error><Code>${wrong.code}</Code></Error>`);
    const key = url.pathname.replace('/backups/', '');
    if (url.searchParams.has('uploads') || url.searchParams.has('uploadId')) {
      const { status, xml, headers } = upload.answer(request.method ?? '', key, url.searchParams, body);
      return wrong === 'lost' ? void response.destroy() : void response.writeHead(status, headers).end(xml);
    }
    if (request.method === 'PUT') objects.set(key, body);
    if (request.method === 'DELETE') objects.delete(key);
    if (request.method !== 'GET') return void response.writeHead(request.method === 'PUT' ? 200 : 204).end();
    if (url.searchParams.has('list-type')) return void response.end(list(objects, url.searchParams, page_keys));
    const object = objects.get(key);
    if (!object) return void response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
    response.writeHead(200, { 'content-length': object.length });
    if (wrong !== 'cut' && wrong !== 'stalled') return void response.end(object);
    response.write(object.subarray(0, object.length / 2), () => wrong === 'cut' && response.destroy());
  }

  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keys = { access_key_id: 'stub', secret_access_key: 'stub-secret-word' };
  return {
    destination: { kind: 's3', endpoint, region: 'us-east-1', bucket: 'backups', prefix: 'errand/', ...keys },
    objects,
    requests,
    fail: (fault, { times = Infinity, method, query } = {}) => (failing = { fault, left: times, method, query }),
  };
}

/** Uploads in parts, one at a time. */
class Upload {
  readonly #objects: Map<string, Buffer>;
  #parts: Map<string, Buffer> | undefined;

  constructor(objects: Map<string, Buffer>) {
    this.#objects = objects;
  }

  /** Lists, begins, completes and aborts them, and takes their parts. */
  answer(method: string, key: string, query: URLSearchParams, body: Buffer) {
    const answer = (status: number, xml = '', headers: Record<string, string> = {}) => ({ status, xml, headers });
    if (method === 'GET') return answer(200, '<ListMultipartUploadsResult></ListMultipartUploadsResult>');
    if (query.has('uploads')) {
      this.#parts = new Map();
      return answer(200, '<InitiateMultipartUploadResult><UploadId>one</UploadId></InitiateMultipartUploadResult>');
    }
    const number = query.get('partNumber');
    if (!this.#parts) return answer(404, '<Error><Code>NoSuchUpload</Code></Error>');
    if (number !== null) {
      this.#parts.set(number, body);
      return answer(200, '', { etag: `"${number}"` });
    }
    if (method === 'POST') this.#objects.set(key, Buffer.concat([...this.#parts.values()]));
    this.#parts = undefined;
    return method === 'POST'
      ? answer(200, '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>')
      : answer(204);
  }
}

function list(objects: Map<string, Buffer>, query: URLSearchParams, page_keys: number): string {
  const start = Number(query.get('continuation-token') ?? 0);
  const end = start + page_keys;
  const contents = [...objects]
    .slice(start, end)
    .map(([key, { length }]) => `<Contents><Key>${key}</Key><Size>${length}</Size></Contents>`);
  const more = end < objects.size;
  const next = more ? `<NextContinuationToken>${end}</NextContinuationToken>` : '';
  return `<ListBucketResult><Name>backups</Name><IsTruncated>${more}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`;
}
