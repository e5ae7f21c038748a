import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { BranchName } from '../../../protocol/task.ts';
import { branchPrefix } from '../../domain/task.ts';
import { FLUSH, pktLine, type PktReader } from './pkt-line.ts';

/** What a push asks for, before its pack: to move each ref from one commit to another. `shallow` are the ends of a shallow clone's history. */
export type Push = { commands: Command[]; capabilities: string[]; shallow: string[] };
type Command = { old: string; new: string; ref: string };

const COMMAND = /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) ([!-~\x80-\xff]{1,1000})$/;
const SHALLOW = /^shallow ([0-9a-f]{40}|[0-9a-f]{64})$/;
const CAPABILITY =
  /^(report-status|report-status-v2|side-band-64k|quiet|atomic|ofs-delta|push-options|(object-format|agent|session-id)=[!-~]+)$/;

/**
 * Reads the commands of a push up to the flush that ends them; the pack follows. Bytes are read as Latin-1, so that each stands for itself.
 * Throws `invalid` where they are none, and for a signed push, whose certificate would not survive being written anew.
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

/** The first command bears the capabilities, after a NUL. Those that are not known are left out: nobody here would answer for them. */
function readCommand(line: string, push: Push): Command {
  if (line.startsWith('push-cert')) throw new ErrandError('invalid', 'A signed push is not taken.');
  const nul = push.commands.length === 0 ? line.indexOf('\0') : -1;
  const [, old, next, ref] = COMMAND.exec(nul < 0 ? line : line.slice(0, nul)) ?? [];
  if (old === undefined || next === undefined || ref === undefined || old.length !== next.length)
    throw new ErrandError('invalid', 'The push holds a line that is not a command.');
  if (nul >= 0)
    push.capabilities = line
      .slice(nul + 1)
      .split(' ')
      .filter((word) => CAPABILITY.test(word));
  return { old, new: next, ref };
}

/** Writes the commands as git does: what goes on is what was understood, and no byte besides. */
export function writePush(push: Push): Buffer {
  const lines = push.shallow.map((commit) => pktLine(`shallow ${commit}\n`));
  push.commands.forEach((command, i) => {
    const capabilities = i === 0 ? `\0 ${push.capabilities.join(' ')}` : '';
    lines.push(pktLine(`${command.old} ${command.new} ${command.ref}${capabilities}`));
  });
  return Buffer.concat([...lines, FLUSH]);
}

/** Why a task's worker may not make this push: a reason for each ref, in the order of the commands. Null: it may. */
export function refusalOf(push: Push, task_id: string): string[] | null {
  const reasons = push.commands.map((command) => refusalOfCommand(command, task_id));
  const whole = refusalOfWhole(push);
  if (whole === null && reasons.every((reason) => reason === null)) return null;
  return reasons.map((reason) => reason ?? whole ?? 'refused with the rest of the push');
}

function refusalOfWhole(push: Push): string | null {
  if (push.commands.length > LIMITS.git_commands_max) return `more than ${LIMITS.git_commands_max} refs in one push`;
  if (push.capabilities.includes('push-options')) return 'push options are not taken';
  return null;
}

function refusalOfCommand(command: Command, task_id: string): string | null {
  const prefix = branchPrefix(task_id);
  const branch = command.ref.replace(/^refs\/heads\//, '');
  if (branch === command.ref || !branch.startsWith(prefix)) return `only refs/heads/${prefix}* may be pushed`;
  if (!/^[\w./-]+$/.test(branch) || !BranchName.safeParse(branch).success)
    return 'a branch name here has letters, digits, ".", "_", "-" and "/" alone';
  if (/^0+$/.test(command.new)) return 'no branch may be deleted';
  return null;
}
