import { login, logout, removeAccount } from './account-commands.ts';
import type { Command } from './command.ts';
import { Failure } from '../client/errors.ts';
import { EXIT } from './exit.ts';
import { UsageFailure } from './usage-failure.ts';
import { print, printBeside, type Io } from './io.ts';
import type { Line } from './line.ts';
import { addProject, projects, removeProject } from './project-commands.ts';
import { cancel, diff, remove, retry, say, task, tasks, watchCommand } from './task-commands.ts';

/** The commands of a client. */
export const COMMANDS: readonly Command[] = [
  login,
  logout,
  task,
  tasks,
  watchCommand,
  say,
  cancel,
  retry,
  diff,
  remove,
  projects,
  addProject,
  removeProject,
  removeAccount,
];

/**
 * Runs the command line with what was typed after `errand`; gives what the process ends with. Never rejects. `server_commands`: those
 * that are for the machine that the server is on, which this folder knows nothing of.
 */
export async function run(argv: string[], io: Io, server_commands: readonly Command[] = []): Promise<number> {
  const all = [...COMMANDS, ...server_commands];
  const found = all.find(({ name }) => name.split(' ').every((word, index) => argv[index] === word));
  const rest = found ? argv.slice(found.name.split(' ').length) : [];
  try {
    if (found && isHelp(rest)) print(io, help(found));
    else if (found) return await found.run(rest, io);
    else if (argv.length === 0 || argv[0] === 'help' || isHelp(argv))
      print(io, overview(argv.slice(1).join(' '), all, server_commands));
    else throw new UsageFailure(`'${argv[0]}' is not a command.`);
    return EXIT.succeeded;
  } catch (error) {
    if (io.signal.aborted || (error instanceof Error && error.name === 'AbortError')) return EXIT.interrupted;
    printBeside(io, failureLines(error, found));
    return EXIT.trouble;
  }
}

/** Whether help is asked for. What follows `--` is text. */
function isHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  return words.includes('--help') || words.includes('-h');
}

function failureLines(error: unknown, command: Command | undefined): Line[] {
  if (!(error instanceof Failure))
    return [
      [['red', `Something went wrong in the command line: ${error instanceof Error ? error.message : String(error)}`]],
    ];
  const [first = '', ...rest] = error.message.split('\n');
  const named = command ? `npx errand ${command.name} --help` : 'npx errand --help';
  return [
    [['red', first]],
    ...rest.map((line) => [line]),
    ...error.errors.map(({ field, message }) => [`  ${field} ${message}`]),
    ...(error instanceof UsageFailure ? [[['dim', `See ${named}`] as const]] : []),
  ];
}

/** All commands, or the help of the one that is named. */
function overview(named: string, all: readonly Command[], server_commands: readonly Command[]): Line[] {
  const asked = all.find(({ name }) => name === named);
  if (asked) return help(asked);
  const width = Math.max(...all.map((command) => usage(command).length)) + 2;
  const summary = (command: Command): Line => [['bold', usage(command).padEnd(width)], command.summary];
  return [
    ['Send your own server an errand: a git repository and a sentence.'],
    [],
    ...COMMANDS.map(summary),
    ...(server_commands.length > 0 ? [[], ['On the machine that the server is on, by its settings:']] : []),
    ...server_commands.map(summary),
    [],
    ['An ID may be given by its beginning or its end. Each command tells more with --help.'],
    ['The exit code: 0 done or succeeded, 1 the errand failed, 2 trouble, 3 the errand was cancelled, 130 Ctrl-C.'],
  ];
}

function help(command: Command): Line[] {
  const options = Object.entries(command.options).map(([name, { placeholder, help }]) => ({
    flag: `--${name}${placeholder === undefined ? '' : ` ${placeholder}`}`,
    help,
  }));
  const width = Math.max(0, ...options.map(({ flag }) => flag.length)) + 2;
  return [
    [['bold', `npx errand ${usage(command)}`], options.length > 0 ? ' [options]' : ''],
    [command.summary],
    ...(options.length > 0 ? [[]] : []),
    ...options.map(({ flag, help }) => [`  ${flag.padEnd(width)}${help}`]),
  ];
}

function usage({ name, operands }: Command): string {
  return [name, ...operands.map((operand) => (operand === 'TEXT' ? '"TEXT"' : operand))].join(' ');
}
