import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import type { S3Destination } from '../../coordinator/backup/destination.ts';

/** What the store does wrong: it answers with an error, never answers, never reads, or cuts what it was about to send. */
export type S3Fault = { status: number; code: string } | 'silent' | 'unread' | 'cut';

export type S3Stub = {
  destination: S3Destination;
  /** What it holds, by key. */
  objects: Map<string, Buffer>;
  /** The requests that came, such as `PUT /backups/errand/x`. */
  requests: string[];
  /** What it does wrong from now on, for as many requests, or only for those of a method; where it is undefined, nothing. */
  fail: (fault: S3Fault | undefined, of?: { times?: number; method?: string }) => unknown;
};

/** A store that speaks as much S3 as single objects need, and fails as it is told to. It checks no signature: Swift does. */
export async function startS3Stub(t: ExecutionContext): Promise<S3Stub> {
  const objects = new Map<string, Buffer>();
  const requests: string[] = [];
  let failing: { fault: S3Fault | undefined; left: number; method: string | undefined } | undefined;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://stub');
    requests.push(`${request.method} ${url.pathname}`);
    const concerned = failing && (failing.method ?? request.method) === request.method;
    const wrong = concerned && failing && failing.left-- > 0 ? failing.fault : undefined;
    if (wrong === 'unread') return void request.pause();
    const body = await buffer(request);
    if (wrong === 'silent') return;
    if (typeof wrong === 'object')
      return void response
        .writeHead(wrong.status)
        .end(`<?xml version="1.0"?>\n<Error><Code>${wrong.code}</Code></Error>`);
    const key = url.pathname.replace('/backups/', '');
    if (request.method === 'PUT') objects.set(key, body);
    if (request.method === 'DELETE') objects.delete(key);
    if (request.method !== 'GET') return void response.writeHead(request.method === 'PUT' ? 200 : 204).end();
    if (url.searchParams.has('list-type')) return void response.end(list(objects));
    const object = objects.get(key);
    if (!object) return void response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
    response.writeHead(200, { 'content-length': object.length });
    if (wrong !== 'cut') return void response.end(object);
    response.write(object.subarray(0, object.length / 2), () => response.destroy());
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
    fail: (fault, { times = Infinity, method } = {}) => (failing = { fault, left: times, method }),
  };
}

function list(objects: Map<string, Buffer>): string {
  const contents = [...objects].map(
    ([key, { length }]) => `<Contents><Key>${key}</Key><Size>${length}</Size></Contents>`,
  );
  return `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join('')}</ListBucketResult>`;
}
