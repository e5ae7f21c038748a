import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';

/*
 * Commands run as the same user as the worker, so `pkill -f node`, `kill 1` or `kill -9 -1` would end it with them. A
 * seccomp filter refuses their signals to the worker, to its parent, and to all processes at once. Each process that a
 * command starts inherits the filter, and none can remove it. It needs no privileges, and holds for every signal.
 */

/** Part of every Debian. Not looked up in PATH, which a command may change. */
const PERL = '/usr/bin/perl';

type SystemCalls = { arch: number; prctl: number; signals: number[] };
/** `signals`: kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo. The first argument of each is the target. */
const SYSTEM_CALLS: Partial<Record<NodeJS.Architecture, SystemCalls>> = {
  x64: { arch: 0xc000003e, prctl: 157, signals: [62, 200, 234, 129, 297] },
  arm64: { arch: 0xc00000b7, prctl: 167, signals: [129, 130, 131, 138, 240] },
};
/** Its target is a file descriptor, which a filter cannot look into. Programs fall back to `kill` without it. */
const PIDFD_SEND_SIGNAL = 424;

/**
 * Perl, to run a program with the filter: it gets the filter, the number of variables, the variables, and the program.
 * The variables are arguments so that they do not change what Perl itself does. A kernel without filters runs the
 * program without one. When memory runs out the kernel ends commands first.
 */
const RUN_FILTERED = `my ($prctl, $filter, $variables) = splice @ARGV, 0, 3;
%ENV = map { split /=/, $_, 2 } splice @ARGV, 0, $variables;
if (open my $file, '>', '/proc/self/oom_score_adj') { print $file '1000' }
$filter = pack 'H*', $filter;
my $program = pack 'S x6 P', length($filter) / 8, $filter;
syscall $prctl + 0, 38, 1, 0, 0, 0;
syscall $prctl + 0, 22, 2, $program;
exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\\n"`;

/** A program, and what it gets. */
export type Program = { file: string; args: string[]; env: Record<string, string> };

const systemCalls = () => (process.platform === 'linux' ? SYSTEM_CALLS[process.arch] : undefined);

/** Why commands run without the guard, for people; null: they run with it. */
export function guardFault(perl = PERL): string | null {
  const risk = 'Commands can end the worker with a signal, such as that of "pkill -f node"';
  if (systemCalls() === undefined) return `${risk}: ${process.platform} on ${process.arch} has no guard against it.`;
  try {
    accessSync(perl, constants.X_OK);
    return null;
  } catch {
    return `${risk}: ${perl} cannot be run, which the guard against it needs.`;
  }
}

/**
 * The program to start in place of this one, so that it cannot signal this process. The same program where that is
 * not possible (`guardFault`).
 */
export function guarded({ file, args, env }: Program): Program {
  const calls = systemCalls();
  if (calls === undefined || guardFault() !== null) return { file, args, env };
  const filter = signalFilter(calls, protectedIds()).toString('hex');
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const perl_args = [String(calls.prctl), filter, String(variables.length), ...variables, file, ...args];
  return { file: PERL, args: ['-e', RUN_FILTERED, '--', ...perl_args], env: {} };
}

/** All processes, the init, this process with its group and threads, and its parent: the server, or an init. */
function protectedIds(): number[] {
  const own = [process.pid, process.ppid, ownGroup(), 1];
  return [...new Set([-1, ...own, ...own.map((id) => -id), ...ownThreads()])];
}

function ownGroup(): number {
  // The fields after the name, which is in parentheses: state, parent, group.
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ');
  return Number(fields?.[2] ?? process.pid);
}

/** `kill` takes the id of a thread, and ends its whole process. */
function ownThreads(): number[] {
  return readdirSync('/proc/self/task').map(Number);
}

const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;
/** Offsets in what the filter sees of a system call: its number, the architecture, the first argument's lower half. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const FIRST_ARGUMENT = 16;

type Instruction = { code: number; k: number; jt?: number; jf?: number };
const load = (k: number): Instruction => ({ code: 0x20, k });
const answer = (k: number): Instruction => ({ code: 0x06, k });
/** Skips `jt` instructions if the value is `k`, else `jf`. */
const ifEqual = (k: number, jt: number, jf = 0): Instruction => ({ code: 0x15, k, jt, jf });

/** The filter as the kernel takes it: eight bytes for each instruction. */
function signalFilter({ arch, signals }: SystemCalls, ids: number[]): Buffer {
  const program = [
    load(ARCHITECTURE),
    ifEqual(arch, 1),
    answer(ALLOW),
    load(NUMBER),
    ifEqual(PIDFD_SEND_SIGNAL, 0, 1),
    answer(ENOSYS),
    ...signals.map((call, i) => ifEqual(call, signals.length - i)),
    answer(ALLOW),
    load(FIRST_ARGUMENT),
    ...ids.map((id, i) => ifEqual(id, ids.length - i)),
    answer(ALLOW),
    answer(EPERM),
  ];
  return Buffer.concat(program.map(encode));
}

function encode({ code, k, jt = 0, jf = 0 }: Instruction): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(jt, 2);
  bytes.writeUInt8(jf, 3);
  bytes.writeUInt32LE(k >>> 0, 4);
  return bytes;
}
