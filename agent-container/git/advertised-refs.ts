import { get } from 'node:http';
import { formatOf, type RemoteRefs } from './remote-refs.ts';

/** A remote with a longer list has many thousands of refs. Git then asks for its branches alone. */
const BYTES_MAX = 256 * 1024;
const ANSWER_MS = 10_000;
const TYPE = 'application/x-git-upload-pack-advertisement';
const LENGTH_DIGITS = 4;
const BRANCH = 'refs/heads/';

/**
 * Reads the refs of a remote from the first answer of git's smart HTTP protocol (version 0, which lists them all):
 * one request, and no process. `url` is an address of the loopback proxy. Null for any answer that is not plain and
 * short: git itself finds out then what it means. `answer_ms`: how long the whole answer may take. Rejects only when
 * the signal aborts.
 */
export async function advertisedRefs(
  url: string,
  signal: AbortSignal,
  answer_ms = ANSWER_MS,
): Promise<RemoteRefs | null> {
  try {
    const answer = await read(url, AbortSignal.any([signal, AbortSignal.timeout(answer_ms)]));
    return answer === null ? null : refsIn(linesOf(answer));
  } catch {
    signal.throwIfAborted();
    return null;
  }
}

/** The answer; null if it is another one, or longer than `BYTES_MAX`. */
function read(url: string, signal: AbortSignal): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const request = get(`${url}/info/refs?service=git-upload-pack`, { signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const refuse = () => {
        resolve(null);
        request.destroy();
      };
      response.on('error', reject);
      response.on('end', () => resolve(Buffer.concat(chunks)));
      if (response.statusCode !== 200 || response.headers['content-type'] !== TYPE) return refuse();
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > BYTES_MAX) refuse();
      });
    });
    request.on('error', reject);
  });
}

/** The pkt-lines of an answer, without their last newline; null for each flush packet. Throws for anything else. */
function linesOf(answer: Buffer): (string | null)[] {
  const lines: (string | null)[] = [];
  for (let at = 0; at < answer.length;) {
    const digits = answer.toString('latin1', at, at + LENGTH_DIGITS);
    const length = /^[0-9a-f]{4}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
    const is_flush = length === 0;
    const end = at + (is_flush ? LENGTH_DIGITS : length);
    if (!(is_flush || length > LENGTH_DIGITS) || end > answer.length) throw new Error('This is not a pkt-line.');
    lines.push(is_flush ? null : answer.toString('utf8', at + LENGTH_DIGITS, end).replace(/\n$/, ''));
    at = end;
  }
  return lines;
}

/** Behind the name of the first ref are the capabilities. A repository without refs has them behind another name. */
const FIRST = /^([0-9a-f]{40}|[0-9a-f]{64}) (\S+)\0(.*)$/;
const REF = /^([0-9a-f]{40}|[0-9a-f]{64}) (\S+)$/;

function refsIn([service, flush, first, ...more]: (string | null)[]): RemoteRefs | null {
  if (service !== '# service=git-upload-pack' || flush !== null || more.pop() !== null) return null;
  const [, id = '', name = '', capabilities] = FIRST.exec(first ?? '') ?? [];
  if (capabilities === undefined) return null;
  const refs = new Map([[name, id]]);
  for (const line of more) {
    const [, id, name] = REF.exec(line ?? '') ?? [];
    if (id !== undefined && name !== undefined) refs.set(name, id);
    else if (!line?.startsWith('shallow ')) return null;
  }
  const target = / symref=HEAD:refs\/heads\/(\S+)/.exec(` ${capabilities}`)?.[1];
  // HEAD is not a branch, or this is an old server: git may know more.
  if (refs.has('HEAD') && target === undefined) return null;
  const branches = [...refs].flatMap(([ref, commit]): [string, string][] =>
    ref.startsWith(BRANCH) ? [[ref.slice(BRANCH.length), commit]] : [],
  );
  return {
    head: refs.has('HEAD') ? target : undefined,
    branches: new Map(branches),
    object_format: formatOf(id),
  };
}
