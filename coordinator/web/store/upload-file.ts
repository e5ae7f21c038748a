import { LIMITS } from '../../../protocol/limits.ts';
import type { Client } from '../../client/client.ts';
import { upload, type PutFile } from '../../client/upload.ts';
import type { Kept } from './database.ts';
import type { KeptFile } from './kept-file.ts';

/** How long an upload may make no progress. */
const SILENCE_MS = 60_000;

/** When the server took a file, by its id: also where the device has no room to note it. */
const sent_at = new Map<string, number>();

/** Sends a file with its progress, which `fetch` does not tell. */
const putFile: PutFile = (url, headers, blob, onProgress, signal) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let silence: ReturnType<typeof setTimeout> | undefined;
    const abort = (): void => request.abort();
    const alive = (): void => {
      clearTimeout(silence);
      silence = setTimeout(abort, SILENCE_MS);
    };
    const end = (): void => {
      clearTimeout(silence);
      signal.removeEventListener('abort', abort);
    };
    const fail = (): void => {
      end();
      reject(new Error('The connection was lost.'));
    };
    request.open('PUT', url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', ({ loaded }) => {
      alive();
      onProgress(loaded);
    });
    request.addEventListener('load', () => {
      end();
      const type = request.getResponseHeader('content-type') ?? '';
      resolve({ status: request.status, type, text: request.responseText });
    });
    request.addEventListener('error', fail);
    request.addEventListener('abort', fail);
    signal.throwIfAborted();
    signal.addEventListener('abort', abort);
    alive();
    request.send(blob);
  });

/**
 * Uploads a file of this device, unless the server has it, and notes that it does. `onProgress`: how many of its bytes
 * were sent; all of them once the server has them.
 */
export async function uploadFile(
  database: Kept,
  client: Client,
  file: KeptFile,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  // The server keeps it for a while only, until it belongs to an errand.
  if (Date.now() - (sent_at.get(file.id) ?? file.sent_at ?? 0) < LIMITS.attachment_unsent_s * 1000)
    return onProgress(file.bytes);
  const uploader = {
    server: client.server,
    signal: AbortSignal.any([client.signal, signal]),
    token: (refused?: string) => client.token(refused),
  };
  await upload(uploader, file, putFile, (bytes) => onProgress(Math.min(bytes, file.bytes - 1)));
  sent_at.set(file.id, Date.now());
  // For the app when it is opened again.
  await noteSent(database, file.id).catch(() => undefined);
  onProgress(file.bytes);
}

async function noteSent(database: Kept, id: string): Promise<void> {
  await database.use(async (db) => {
    const { store, done } = db.transaction('files', 'readwrite');
    // In one step: somebody may have removed it meanwhile.
    const kept = await store.get(id);
    if (kept) void store.put({ ...kept, sent_at: Date.now() });
    await done;
  });
}
