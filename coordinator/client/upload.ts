import type { Attachment } from '../../protocol/attachments.ts';
import { Failure, Refusal, Unreachable } from './errors.ts';
import { loadWire } from './load-wire.ts';

/** What it takes of a client. */
type Uploader = { readonly server: string; readonly signal: AbortSignal; token: (refused?: string) => Promise<string> };
/** A file to upload under an id that the client made. */
export type Upload = { id: string; name: string; blob: Blob };
type Answer = { status: number; type: string; text: string };
/** Sends a file with PUT. Rejects if there is no answer. `onProgress`: how many of its bytes were sent. */
export type PutFile = (
  url: string,
  headers: Record<string, string>,
  blob: Blob,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
) => Promise<Answer>;

/** The platform's own way; it reports no progress before the end. */
const putByFetch: PutFile = async (url, headers, blob, onProgress, signal) => {
  const response = await fetch(url, { method: 'PUT', headers, body: blob, redirect: 'error', signal });
  const text = await response.text();
  onProgress(blob.size);
  return { status: response.status, type: response.headers.get('content-type') ?? '', text };
};

/**
 * Uploads a file. The same upload again changes nothing. Rejects with `Refusal`, `Unreachable` or `Failure`, as calls
 * do, or with the reason of the client's aborted signal.
 */
export async function upload(
  client: Uploader,
  { id, name, blob }: Upload,
  put: PutFile = putByFetch,
  onProgress: (bytes: number) => void = () => undefined,
): Promise<Attachment> {
  const url = `${client.server}/attachments/${id}?name=${encodeURIComponent(name)}`;
  const attempt = async (token: string) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' };
    return put(url, headers, blob, onProgress, client.signal).catch((cause: unknown) => {
      client.signal.throwIfAborted();
      throw new Unreachable(`The upload of ${name} broke off.`, { cause });
    });
  };
  const token = await client.token();
  let answer = await attempt(token);
  if (answer.status === 401) answer = await attempt(await client.token(token));
  const wire = await loadWire();
  const attachment = answer.status === 200 ? wire.Attachment.safeParse(json(answer.text)).data : undefined;
  if (attachment) return attachment;
  const is_problem = answer.type.startsWith('application/problem+json');
  const problem = is_problem ? wire.Problem.safeParse(json(answer.text)).data : undefined;
  if (problem?.code === 'unavailable' || (!problem && [429, 502, 503, 504].includes(answer.status)))
    throw new Unreachable(problem?.detail ?? `The server is not available now (${answer.status}).`);
  if (problem) throw new Refusal(problem);
  throw new Failure(`${client.server} answered the upload of ${name} with ${answer.status}, and not as Errand does.`);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
