import { get } from 'node:http';
import { text } from 'node:stream/consumers';

const ANSWER_MS = 10_000;
const WORDS_MAX = 500;
/** How the coordinator says that the forge knows no such repository, or lets this person write nothing there. */
const REFUSED = ['forbidden', 'not_found'];

/**
 * Asks the remote as a push begins, but pushes nothing. `url` is an address of the loopback proxy. Resolves with why no
 * push would be taken; null: one would, or that is not known. Rejects only when the signal aborts.
 */
export async function whyNoPush(url: string, signal: AbortSignal): Promise<string | null> {
  try {
    return await ask(url, AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]));
  } catch {
    signal.throwIfAborted();
    return null;
  }
}

function ask(url: string, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const request = get(`${url}/info/refs?service=git-receive-pack`, { signal, agent: false }, (response) => {
      const code = String(response.headers['errand-error']);
      if (REFUSED.includes(code)) {
        // The coordinator's own words, which are short: "<code>: <words>".
        text(response).then((answer) => resolve(answer.slice(`${code}: `.length).trim().slice(0, WORDS_MAX)), reject);
        return;
      }
      resolve(null);
      request.destroy();
    });
    request.on('error', reject);
  });
}
