import type { Readable } from 'node:stream';

/** What git asks for: `git-upload-pack` serves a clone or fetch, `git-receive-pack` a push. */
export type GitService = 'git-upload-pack' | 'git-receive-pack';

/** One request of git's smart HTTP protocol, to be sent to the repository. */
export type GitRequest = {
  service: GitService;
  /** The headers of the worker's request that git needs. */
  headers: Record<string, string>;
  /** Absent: the request asks for the refs (`info/refs`). */
  body?: GitBody;
  /** Aborts when the worker hangs up or its attempt ends. */
  signal: AbortSignal;
};

/** A request body. `bytes` is its length; undefined where the length is not known in advance. */
export type GitBody = { chunks: AsyncIterable<Buffer>; bytes: number | undefined };

/** The repository's response to a request that succeeded. Any other response is thrown as an `ErrandError`. */
export type GitResponse = { headers: Record<string, string>; body: Readable };

/** Asks the repository of a task. */
export type AskRepository = (request: Omit<GitRequest, 'signal'>) => Promise<GitResponse>;

/** The content type of a message of the smart HTTP protocol. */
export function mediaType(service: GitService, what: 'advertisement' | 'request' | 'result'): string {
  return `application/x-${service}-${what}`;
}
