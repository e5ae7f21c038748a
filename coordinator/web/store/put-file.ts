import type { PutFile } from '../../client/upload.ts';

/** How long an upload may make no progress. */
const SILENCE_MS = 60_000;

/** Sends a file with its progress, which `fetch` does not tell. */
export const putFile: PutFile = (url, headers, blob, onProgress, signal) =>
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
