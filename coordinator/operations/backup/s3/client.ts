import { Readable } from 'node:stream';
import { S3 } from '@aws-sdk/client-s3';
import type { S3Destination } from '../../../base/backup-destination.ts';
import { notUnderstood } from './error.ts';

/** `idle_ms`: how long nothing may move on a connection. `tries_max`: how often a request is sent. */
export type S3Limits = { idle_ms: number; tries_max: number };

/** Eight tries with the SDK's backoff take up to six seconds: enough for a store that restarts. */
export const S3_LIMITS: S3Limits = { idle_ms: 60_000, tries_max: 8 };

/** The SDK reads all answers into memory, except the content of objects. A thousand listed objects are about 500 kB. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Makes a client for one store. It retries after network errors, timeouts and the answers 429, 500, 502, 503 and 504.
 * It does not follow redirects.
 */
export function openS3(destination: S3Destination, { idle_ms, tries_max }: S3Limits): S3 {
  const s3 = new S3({
    endpoint: destination.endpoint,
    region: destination.region,
    credentials: { accessKeyId: destination.access_key_id, secretAccessKey: destination.secret_access_key },
    forcePathStyle: true,
    maxAttempts: tries_max,
    requestHandler: { connectionTimeout: idle_ms, socketTimeout: idle_ms },
    // Many stores refuse Amazon's newer checksums. The signature covers the SHA-256 of the body in any case.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Unset, the SDK takes them from the environment or ~/.aws. It refuses both together with an endpoint.
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
  });
  s3.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const result = await next(args);
        const { response } = result;
        if (isResponse(response) && !(commandName === 'GetObjectCommand' && response.statusCode === 200))
          response.body = Readable.from(limitAnswer(response.body, destination));
        return result;
      },
    { step: 'deserialize', priority: 'low', name: 'limitAnswer' },
  );
  return s3;
}

function isResponse(value: unknown): value is { statusCode: number; body: Readable } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'statusCode' in value &&
    'body' in value &&
    value.body instanceof Readable
  );
}

async function* limitAnswer(body: Readable, destination: S3Destination): AsyncIterable<Buffer> {
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw notUnderstood(destination);
    yield chunk;
  }
}
