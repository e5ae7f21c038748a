import { isUtf8 } from 'node:buffer';
import { realpath } from 'node:fs/promises';
import { z } from 'zod';
import { textToPath } from '../base/byte-path.ts';
import { errorCode } from '../base/error-code.ts';
import { describeExit, startGroup } from '../shell/process-group.ts';
import { pathToRead, shownPath } from './paths.ts';
import { ResultLines } from './result-lines.ts';
import { defineTool, ToolError, type ToolContext } from './tool.ts';

const ERROR_CHARS_MAX = 2_000;
const SEARCH_MS_MAX = 30_000;
/** The exit codes of both programs. */
const FOUND = 0;
const NOTHING_FOUND = 1;

const Input = z.strictObject({
  pattern: z.string().min(1).max(2000),
  path: z.string().min(1).optional(),
  glob: z.string().min(1).max(500).optional(),
  ignore_case: z.boolean().optional(),
  context: z.int().min(0).max(10).optional(),
});
type Input = z.infer<typeof Input>;

export const search = defineTool({
  name: 'search',
  description:
    'Searches the files of the repository for a regular expression (as ripgrep understands it; look-around works, and `\\n` ' +
    'spans lines, `\\r?\\n` where they end with CRLF), and gives each matching line with its file and number. `path`: a folder ' +
    'or file to search in; `glob`: only files with such a name, as in `*.ts`; `context`: this many lines around each match. ' +
    'What git ignores is left out.',
  input: Input,
  reads_only: true,
  run: async (input, context) => {
    const root = await realpath(context.repo_dir);
    const path = await shownPath(await pathToRead(input.path ?? '.', context), context);
    const matches = await collect('rg', ripgrepArgs(input), path, root, context).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
      requireForGrep(input.pattern);
      return collect('grep', grepArgs(input), path, root, context);
    });
    if (matches.text === '') {
      if (matches.fault !== '') throw new ToolError(`The search failed: ${matches.fault}`);
      return `${matches.note}Nothing in ${path} matches.`;
    }
    const first = matches.is_cut ? `\n[Only the first results. Narrow the search by path, glob or pattern.]` : '';
    const partly = matches.fault === '' ? '' : `\n[The search was not complete: ${matches.fault}]`;
    return `${matches.note}${matches.text}${first}${matches.cut_note}${partly}`;
  },
});

/**
 * `is_cut`: there may be more, which was not looked for. `cut_note`: how to see a match that is missing in a long line.
 * `fault`: why not all was looked through; empty: it was.
 */
type Matches = { text: string; is_cut: boolean; cut_note: string; fault: string; note: string };

/** Runs the program until it ends or has found enough. Rejects with ENOENT if it is not installed. */
async function collect(
  program: 'rg' | 'grep',
  args: string[],
  path: string,
  cwd: string,
  { signal, shell, secrets }: ToolContext,
): Promise<Matches> {
  const lines = new ResultLines(secrets);
  let errors = '';
  const group = startGroup(...onPath(program, args, path), {
    cwd,
    env: { LC_ALL: 'C.UTF-8', PATH: shell.path },
    signal,
    timeout_ms: SEARCH_MS_MAX,
    onData: (bytes, from) => {
      if (from === 'stderr') errors = (errors + bytes.toString()).slice(0, ERROR_CHARS_MAX);
      else lines.push(bytes);
      if (lines.is_full) void group.end();
    },
  });
  const exit = await group.exited;
  const note = program === 'grep' ? '[ripgrep is not installed: these are the results of grep -E.]\n' : '';
  const is_whole = lines.is_full || exit.exit_code === FOUND || exit.exit_code === NOTHING_FOUND;
  const fault = is_whole ? '' : errors.trim() || `it was ${describeExit(exit)}. Narrow it by path or glob.`;
  const text = lines.end();
  const flags = program === 'grep' ? '-oE' : '-o';
  const cut_note = lines.has_cut_lines
    ? `\n[Long lines are cut ([…]). Where that hides the match: ${program} ${flags} '.{0,80}(PATTERN).{0,80}' FILE in run_command.]`
    : '';
  return { text, is_cut: lines.is_full, cut_note, fault, note };
}

/** The program with the path as its last argument. Node passes only UTF-8, so bash makes any other path. */
function onPath(program: string, args: string[], path: string): [string, string[]] {
  const bytes = textToPath(path);
  if (isUtf8(bytes)) return [program, [...args, bytes.toString()]];
  const escaped = bytes.toString('hex').replace(/../g, '\\x$&');
  return ['/bin/bash', ['-c', 'printf -v path %b "$1"; exec "${@:2}" "$path"', 'bash', escaped, program, ...args]];
}

function ripgrepArgs(input: Input): string[] {
  return [
    '--no-config',
    '--line-number',
    '--with-filename',
    '--no-heading',
    '--color=never',
    '--hidden',
    '--glob=!.git',
    '--sort=path',
    // What the default engine refuses goes to PCRE2.
    '--engine=auto',
    ...(/\n|\\n/.test(input.pattern) ? ['--multiline'] : []),
    // No path begins with ./ where it is compared with a glob.
    ...(input.glob === undefined ? [] : [`--glob=${input.glob.replace(/^(!?)(\.\/)+/, '$1')}`]),
    ...(input.ignore_case === true ? ['--ignore-case'] : []),
    ...commonArgs(input),
  ];
}

/** What ripgrep understands and grep -E does not: it would find other lines, or none. */
const NOT_FOR_GREP = /(?<!\\)(?:\\\\)*(?:\(\?|\n|\\[^\W\d_bBwWsS])/;

function requireForGrep(pattern: string): void {
  if (!NOT_FOR_GREP.test(pattern)) return;
  throw new ToolError(
    'ripgrep is not installed, and grep -E does not understand this pattern: no (?, no line end, and no \\ before a letter ' +
      'other than b, w and s. Search for a part of it without these, or use grep -P in run_command.',
  );
}

function grepArgs(input: Input): string[] {
  return [
    '-rnHIE',
    '--exclude-dir=.git',
    '--exclude-dir=node_modules',
    ...(input.glob === undefined ? [] : [`--include=${input.glob}`]),
    ...(input.ignore_case === true ? ['-i'] : []),
    ...commonArgs(input),
  ];
}

/** The last arguments but the path, which both programs understand. */
function commonArgs({ pattern, context }: Input): string[] {
  return [...(context === undefined ? [] : [`--context=${context}`]), `--regexp=${pattern}`, '--'];
}
