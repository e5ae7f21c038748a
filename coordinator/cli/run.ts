import { beginsWith, type Command } from './command.ts';
import { errorLines } from './error-lines.ts';
import { EXIT, interruptedCode } from './exit.ts';
import { helpOf, type Help } from './help.ts';
import { print, printBeside, type Io } from './io.ts';
import { UsageFailure } from './usage-failure.ts';
import { OWN_VERSION } from './version.ts';

/** Runs the command that `argv`, the words after `errand`, name. Resolves with the exit code; never rejects. */
export async function run(argv: string[], io: Io, commands: readonly Command[], overview: Help): Promise<number> {
  const found = commands.find(({ name }) => beginsWith(argv, name));
  try {
    if (argv[0] === '--version') {
      print(io, [[`errand ${OWN_VERSION}`]]);
      return EXIT.succeeded;
    }
    if (found) return await runCommand(found, argv.slice(found.name.split(' ').length), io);
    if (argv.length > 0 && argv[0] !== 'help' && !asksForHelp(argv))
      throw new UsageFailure(noCommand(argv[0] ?? '', commands));
    const named = commands.find(({ name }) => beginsWith(argv.slice(1), name));
    print(io, named ? helpOf(named, io.columns) : overview(io.columns));
    return EXIT.succeeded;
  } catch (error) {
    if (io.signal.aborted || (error instanceof Error && error.name === 'AbortError')) return interruptedCode(io.signal);
    printBeside(io, errorLines(error, found?.name));
    return EXIT.trouble;
  }
}

async function runCommand(command: Command, argv: string[], io: Io): Promise<number> {
  if (!asksForHelp(argv)) return command.run(argv, io);
  print(io, helpOf(command, io.columns));
  return EXIT.succeeded;
}

/** Whether --help is among the options. Words after `--` are not options. */
function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  return words.includes('--help') || words.includes('-h');
}

/** What other programs call some of the commands. */
const ELSEWHERE: Record<string, readonly string[]> = {
  task: ['new', 'run', 'create', 'add'],
  tasks: ['list', 'ls', 'ps', 'status', 'errands'],
  watch: ['log', 'logs', 'follow', 'tail'],
  show: ['view', 'inspect'],
  cancel: ['stop', 'kill', 'abort'],
  remove: ['rm', 'delete'],
  servers: ['whoami'],
};

/** Why a word is no command: it only begins the names of some, such as `schedule`, or of none. */
function noCommand(word: string, commands: readonly Command[]): string {
  const next = commands.flatMap(({ name }) => (name.startsWith(`${word} `) ? name.slice(word.length + 1) : []));
  if (next.length === 0) {
    const [meant] = Object.entries(ELSEWHERE).find(([, words]) => words.includes(word)) ?? [];
    return `'${word}' is not a command.${meant === undefined ? '' : ` Did you mean ${meant}?`}`;
  }
  return `'${word}' goes on with ${next.length === 1 ? '' : 'one of: '}${next.join(', ')}.`;
}
