import { ErrandError } from '../../../protocol/problem.ts';
import { FLUSH, pktLine, type PktReader } from './pkt-line.ts';

/**
 * The head of a push, before its pack. Each command moves a ref from one commit to another. `shallow`: the boundary
 * commits of a shallow clone.
 */
export type Push = { commands: PushCommand[]; capabilities: string[]; shallow: string[] };
export type PushCommand = { old: string; new: string; ref: string };

/** Whether an id stands for no commit: of a ref that is made, or deleted. */
export function isNoCommit(id: string): boolean {
  return /^0+$/.test(id);
}

/**
 * The answer to a push, by what is wrong with each of its commands and with all of them: a reason for each command, in
 * their order. Null: nothing is wrong.
 */
export function reasonsForEach(of_commands: (string | null)[], of_all: string | null = null): string[] | null {
  if (of_all === null && of_commands.every((reason) => reason === null)) return null;
  return of_commands.map((reason) => reason ?? of_all ?? 'refused with the rest of the push');
}

const COMMAND = /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) ([!-~\x80-\xff]{1,1000})$/;
const SHALLOW = /^shallow ([0-9a-f]{40}|[0-9a-f]{64})$/;
const CAPABILITY =
  /^(report-status|report-status-v2|side-band-64k|quiet|atomic|ofs-delta|push-options|(object-format|agent|session-id)=[!-~]+)$/;

/**
 * Reads the commands of a push up to the flush packet that ends them; the pack follows. Latin-1 keeps every byte as
 * one character. Rejects with `invalid` where a line is not a command, and for a signed push: its certificate would
 * not match the commands once they are rewritten.
 */
export async function readPush(reader: PktReader): Promise<Push> {
  const push: Push = { commands: [], capabilities: [], shallow: [] };
  for (let bytes = await reader.next(); bytes !== null; bytes = await reader.next()) {
    const line = bytes.toString('latin1').replace(/\n$/, '');
    const shallow = SHALLOW.exec(line);
    if (shallow && push.commands.length === 0) push.shallow.push(shallow[1] ?? '');
    else push.commands.push(readCommand(line, push));
  }
  return push;
}

/**
 * Reads a command. The first one also lists the capabilities, after a NUL. Unknown capabilities are dropped, since
 * nothing here supports them.
 */
function readCommand(line: string, push: Push): PushCommand {
  if (line.startsWith('push-cert')) throw new ErrandError('invalid', 'Signed pushes are not supported.');
  const nul = push.commands.length === 0 ? line.indexOf('\0') : -1;
  const [, old, next, ref] = COMMAND.exec(nul < 0 ? line : line.slice(0, nul)) ?? [];
  if (old === undefined || next === undefined || ref === undefined || old.length !== next.length)
    throw new ErrandError('invalid', 'The push contains a line that is not a command.');
  if (nul >= 0)
    push.capabilities = line
      .slice(nul + 1)
      .split(' ')
      .filter((word) => CAPABILITY.test(word));
  return { old, new: next, ref };
}

/** Encodes the commands as git does. Only what was parsed is forwarded, so the repository sees what was checked. */
export function writePush(push: Push): Buffer {
  const lines = push.shallow.map((commit) => pktLine(`shallow ${commit}\n`));
  push.commands.forEach((command, i) => {
    const capabilities = i === 0 ? `\0 ${push.capabilities.join(' ')}` : '';
    lines.push(pktLine(`${command.old} ${command.new} ${command.ref}${capabilities}`));
  });
  return Buffer.concat([...lines, FLUSH]);
}
