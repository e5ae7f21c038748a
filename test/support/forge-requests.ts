import type { Intercept } from './git-server.ts';
import type { GitProxyScene } from './git-proxy-scene.ts';

const PUSH = 'application/x-git-receive-pack-request';

type GitReply = { status: number; code: string | null; words: string; retry_after: string | null };

/** Requests the refs, as git's first request does. */
export async function askRefs({ server }: GitProxyScene, service = 'git-upload-pack'): Promise<GitReply> {
  return readAnswer(await fetch(`${server.url}/info/refs?service=${service}`));
}

/** Posts a push, as git does. */
export function postPush(
  { server }: GitProxyScene,
  body: Buffer,
  headers: Record<string, string> = {},
): Promise<GitReply> {
  const init = { method: 'POST', body: new Uint8Array(body), headers: { 'content-type': PUSH, ...headers } };
  return fetch(`${server.url}/git-receive-pack`, init).then(readAnswer);
}

/** The parts of a response that git shows. */
export async function readAnswer(response: Response): Promise<GitReply> {
  const { status, headers } = response;
  return {
    status,
    code: headers.get('errand-error'),
    words: await response.text(),
    retry_after: headers.get('retry-after'),
  };
}

/** Makes the forge respond to every request with this status. */
export const answerWith =
  (status: number, headers: Record<string, string> = {}): Intercept =>
  (_request, response) => {
    response.writeHead(status, headers).end('<html>words of the forge</html>');
    return true;
  };
