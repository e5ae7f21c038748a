import { Readable } from 'node:stream';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { mediaType, type GitBody, type GitResponse } from './backend.ts';
import { PktReader } from './pkt-line.ts';
import { readPush, writePush, type Push } from './push-commands.ts';
import { refusalReport } from './report-status.ts';

/** A push whose commands were read: what it wants, and its two ways on. Go one of them. */
export type OpenedPush = {
  push: Push;
  /** What goes to the repository: the commands, written anew, and the pack as it is. */
  body: GitBody;
  /** Answers that it was refused, with a reason for each command. Throws `forbidden` where git did not ask for a report. */
  refuse: (reasons: string[]) => Promise<GitResponse>;
};

/** Reads a push up to its pack. Throws `invalid` or `too_large` where it is none. */
export async function openPush(body: GitBody): Promise<OpenedPush> {
  const reader = new PktReader(body.chunks[Symbol.asyncIterator](), LIMITS.git_commands_bytes_max);
  const push = await readPush(reader);
  if (push.commands.length === 0) await expectProbe(push, reader);
  const head = writePush(push);
  const rest = reader.rest();
  return {
    push,
    body: {
      chunks: joined(head, rest),
      bytes: body.bytes === undefined ? undefined : body.bytes - reader.bytes_read + head.length,
    },
    refuse: async (reasons) => {
      // Git reads the answer only once it has sent the whole of its pack.
      for await (const _chunk of rest);
      const report = refusalReport(push, reasons);
      if (!report) throw new ErrandError('forbidden', `The push was refused: ${reasons.join('; ')}.`);
      const headers = { 'content-type': mediaType('git-receive-pack', 'result'), 'cache-control': 'no-cache' };
      return { headers, body: Readable.from([report]) };
    },
  };
}

/** Before a large push git sends four zeros alone, to see whether it would be let in. */
async function expectProbe(push: Push, reader: PktReader): Promise<void> {
  const rest = await reader.rest().next();
  if (!rest.done || push.shallow.length > 0) throw new ErrandError('invalid', 'The push holds no command.');
}

async function* joined(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  yield* rest;
}
