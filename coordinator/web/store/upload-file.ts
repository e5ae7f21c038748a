import { upload, type PutFile } from '../../client/upload.ts';
import type { Client } from '../../client/client.ts';
import type { KeptFile } from './kept-file.ts';

/** How long an upload may make no progress. */
const SILENCE_MS = 60_000;

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

/** Uploads a file of this device. `onProgress`: how many of its bytes were sent. */
export async function uploadFile(
  client: Client,
  file: KeptFile,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const uploader = {
    server: client.server,
    signal: AbortSignal.any([client.signal, signal]),
    token: (refused?: string) => client.token(refused),
  };
  await upload(uploader, file, putFile, onProgress);
}
