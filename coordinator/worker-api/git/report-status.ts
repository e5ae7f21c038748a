import { Readable } from 'node:stream';
import { GatheredBytes } from '../../base/gathered-bytes.ts';
import { FLUSH, pktLine, PktReader } from './pkt-line.ts';
import type { Push, PushCommand } from './push-commands.ts';

/** The payload of one side-band line: the longest pkt-line without its length and its band number. */
const BAND_BYTES_MAX = 65_515;
/** Of the repository's answer to a push, with the output of its hooks. A longer one is not read. */
const ANSWER_BYTES_MAX = 256 * 1024;

/**
 * The status report of a refused push. Git prints it as `! [remote rejected] main -> main (<reason>)` for each ref.
 * Undefined: the client did not ask for a report.
 */
export function refusalReport(push: Push, reasons: string[]): Buffer | undefined {
  const wants = (name: string) => push.capabilities.includes(name);
  if (!wants('report-status') && !wants('report-status-v2')) return undefined;
  const lines = push.commands.map(({ ref }, i) => pktLine(`ng ${ref} ${reasons[i] ?? 'refused'}\n`));
  const report = Buffer.concat([pktLine('unpack ok\n'), ...lines, FLUSH]);
  return wants('side-band-64k') ? inFirstBand(report) : report;
}

function inFirstBand(report: Buffer): Buffer {
  const lines: Buffer[] = [];
  for (let at = 0; at < report.length; at += BAND_BYTES_MAX)
    lines.push(pktLine(Buffer.concat([Buffer.of(1), report.subarray(at, at + BAND_BYTES_MAX)])));
  return Buffer.concat([...lines, FLUSH]);
}

/**
 * Passes on the repository's answer to a push, and calls `onEnd` before its end with the commands that the report in it
 * refuses. An answer that ends early, or has no report, refuses none.
 */
export async function* readingReport(
  answer: AsyncIterable<Buffer>,
  push: Push,
  onEnd: (refused: PushCommand[]) => void,
): AsyncGenerator<Buffer> {
  const gathered = new GatheredBytes(0, ANSWER_BYTES_MAX);
  let is_whole = true;
  let refused: PushCommand[] = [];
  try {
    for await (const chunk of answer) {
      is_whole &&= gathered.bytes.length + chunk.length <= ANSWER_BYTES_MAX;
      if (is_whole) gathered.add(chunk);
      yield chunk;
    }
    if (is_whole) refused = await refusedCommands(push, gathered.bytes);
  } finally {
    onEnd(refused);
  }
}

async function refusedCommands(push: Push, answer: Buffer): Promise<PushCommand[]> {
  const lines = await linesOf(answer);
  const report = push.capabilities.includes('side-band-64k') ? await linesOf(firstBand(lines)) : lines;
  const words = report.map((line) => line.toString('latin1').trimEnd());
  const is_unpacked = words.includes('unpack ok');
  if (!is_unpacked) return words.some((line) => line.startsWith('unpack ')) ? push.commands : [];
  return push.commands.filter(({ ref }) => words.some((line) => `${line} `.startsWith(`ng ${ref} `)));
}

function firstBand(lines: Buffer[]): Buffer {
  return Buffer.concat(lines.filter((line) => line[0] === 1).map((line) => line.subarray(1)));
}

/** The lines up to the first flush packet; none where there is something else. */
async function linesOf(bytes: Buffer): Promise<Buffer[]> {
  const reader = new PktReader(Readable.from([bytes])[Symbol.asyncIterator](), ANSWER_BYTES_MAX);
  const lines: Buffer[] = [];
  try {
    for (let line = await reader.next(); line !== null; line = await reader.next()) lines.push(line);
    return lines;
  } catch {
    return [];
  }
}
