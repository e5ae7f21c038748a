import type { Command, Synopsis } from './command.ts';
import { PROGRAM } from './render/program.ts';
import type { Line } from './render/line.ts';
import { columnLines } from './render/columns.ts';
import { ADMIN_COMMANDS } from './admin-commands.ts';
import { wrap } from './render/text.ts';

/** Makes a help text for a terminal of this width. */
export type Help = (columns: number) => Line[];

/** The help of the whole command line: one line per command. */
export function overviewOf(commands: readonly Synopsis[], columns: number): Line[] {
  const rows = (list: readonly Synopsis[]): [string, string][] => list.map((each) => [usage(each), each.summary]);
  const text = (words: string): Line[] => wrap(words, columns).map((line) => [line]);
  return [
    ...text('Send your own server an errand: a git repository and a sentence.'),
    [],
    ...columnLines(rows(commands), columns),
    [],
    ...text("On the server's machine, in Errand's folder:"),
    ...columnLines(rows(Object.values(ADMIN_COMMANDS)), columns),
    [],
    ...text('An ID may be shortened to its first or last characters. Each command explains its options with --help.'),
    ...text(`${PROGRAM} --version prints the version.`),
    ...text(
      'Exit codes: 0 succeeded, 1 the errand failed, 2 trouble, 3 the errand was cancelled, 4 it waits for you ' +
        '(--until-asked), 130 Ctrl-C.',
    ),
  ];
}

/** The help of one command. */
export function helpOf(command: Command, columns: number): Line[] {
  const options = Object.entries(command.options).map(([name, { placeholder, help }]): [string, string] => [
    `  --${name}${placeholder === undefined ? '' : ` ${placeholder}`}`,
    help,
  ]);
  return [
    [['bold', `${PROGRAM} ${usage(command)}`], options.length > 0 ? ' [options]' : ''],
    ...wrap(command.summary, columns).map((line) => [line]),
    ...(options.length > 0 ? [[], ...columnLines(options, columns, 'plain')] : []),
  ];
}

function usage({ name, operands }: Synopsis): string {
  return [name, ...operands.map((operand) => (operand === 'TEXT' ? '"TEXT"' : operand))].join(' ');
}
