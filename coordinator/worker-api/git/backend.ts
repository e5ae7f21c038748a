import type { Readable } from 'node:stream';

export type GitService = 'git-upload-pack' | 'git-receive-pack';

/** One request of git's smart HTTP, on its way to where the repository is. */
export type GitRequest = {
  service: GitService;
  /** Of the worker's request, those that concern git. */
  headers: Record<string, string>;
  /** Absent: it asks what refs there are (`info/refs`). */
  body?: GitBody;
  /** Aborts when the worker hangs up, or its attempt ends. */
  signal: AbortSignal;
};

/** `bytes` is undefined where the length is not known beforehand. */
export type GitBody = { chunks: AsyncIterable<Buffer>; bytes: number | undefined };

/** A repository's answer, for the worker's git to read. Whatever else it answered was thrown as an `ErrandError`. */
export type GitResponse = { headers: Record<string, string>; body: Readable };

/** The content types of the smart protocol. */
export function mediaType(service: GitService, what: 'advertisement' | 'request' | 'result'): string {
  return `application/x-${service}-${what}`;
}
