import { FLUSH, pktLine } from './pkt-line.ts';
import type { Push } from './push-commands.ts';

/** How much of the report one line of the sideband carries: the longest line, less its length and its band. */
const BAND_BYTES_MAX = 65_515;

/**
 * The answer to a push that is refused, in git's own form, so that it prints `! [remote rejected] main -> main (<reason>)` for each ref. Undefined:
 * the client did not ask for a report.
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
