import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { mediaType, type GitBody, type GitResponse } from './backend.ts';
import type { PackFolder } from './pack-folders.ts';
import { PktReader } from './pkt-line.ts';
import { readPush, writePush, type Push } from './push-commands.ts';
import { refusalReport } from './report-status.ts';

/** A push whose commands were read but whose pack was not. Either forward `body`, or call `refuse`. */
export type OpenedPush = {
  push: Push;
  /** The body to forward: the commands, encoded again, then the original pack. */
  body: GitBody;
  /** Stores the pack in the folder, from where the body is forwarded then, and resolves with its path. */
  storePack: (folder: PackFolder) => Promise<string>;
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
    storePack: async (folder) => {
      const path = await folder.store('pushed', rest);
      rest = fromFolder(folder, path);
      return path;
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

/** The folder is not needed any more once its pack was forwarded, however long the repository takes to answer. */
async function* fromFolder(folder: PackFolder, path: string): AsyncGenerator<Buffer> {
  yield* createReadStream(path, { signal: folder.signal });
  await folder[Symbol.asyncDispose]();
}
