import { Readable } from 'node:stream';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { mediaType, type GitBody, type GitResponse } from './backend.ts';
import { PktReader } from './pkt-line.ts';
import { readPush, writePush, type Push } from './push-commands.ts';
import { refusalReport } from './report-status.ts';

/** A push whose commands were read but whose pack was not. Either forward `body`, or call `refuse`. */
export type OpenedPush = {
  push: Push;
  /** The body to forward: the commands, encoded again, then the original pack. */
  body: GitBody;
  /** Reads the whole pack; the body stays to be forwarded. Rejects with `too_large`. */
  readPack: (bytes_max: number) => Promise<Buffer>;
  /**
   * Makes the response that refuses the push, with a reason for each command. Rejects with `forbidden` where git did
   * not ask for a report.
   */
  refuse: (reasons: string[]) => Promise<GitResponse>;
};

/** Reads the commands of a push. Rejects with `invalid` or `too_large` where they cannot be read. */
export async function openPush(body: GitBody): Promise<OpenedPush> {
  const reader = new PktReader(body.chunks[Symbol.asyncIterator](), LIMITS.git_commands_bytes_max);
  const push = await readPush(reader);
  if (push.commands.length === 0) await expectProbe(push, reader);
  const head = writePush(push);
  let rest: AsyncIterable<Buffer> = reader.rest();
  return {
    push,
    body: {
      chunks: concat(head, () => rest),
      bytes: body.bytes === undefined ? undefined : body.bytes - reader.bytes_read + head.length,
    },
    readPack: async (bytes_max) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of rest) {
        bytes += chunk.length;
        if (bytes > bytes_max) throw new ErrandError('too_large', `The push is longer than ${bytes_max} bytes.`);
        chunks.push(chunk);
      }
      const pack = Buffer.concat(chunks);
      rest = only(pack);
      return pack;
    },
    refuse: async (reasons) => {
      // Git reads the response only after it has sent the whole pack.
      for await (const _chunk of rest);
      const report = refusalReport(push, reasons);
      if (!report) throw new ErrandError('forbidden', `The push was refused: ${reasons.join('; ')}.`);
      const headers = { 'content-type': mediaType('git-receive-pack', 'result'), 'cache-control': 'no-cache' };
      return { headers, body: Readable.from([report]) };
    },
  };
}

/**
 * Before a large push git sends a lone flush packet, to find out whether it is authorized. Throws `invalid` for
 * anything else.
 */
async function expectProbe(push: Push, reader: PktReader): Promise<void> {
  const rest = await reader.rest().next();
  if (!rest.done || push.shallow.length > 0) throw new ErrandError('invalid', 'The push contains no command.');
}

async function* concat(head: Buffer, rest: () => AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  yield* rest();
}

async function* only(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
