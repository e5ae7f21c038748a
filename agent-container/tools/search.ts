import { relative } from 'node:path';
import { realpath } from 'node:fs/promises';
import { z } from 'zod';
import { errorCode } from '../base/error-code.ts';
import { startGroup } from '../shell/process-group.ts';
import { pathToRead } from './paths.ts';
import { defineTool, ToolError, type ToolContext } from './tool.ts';

const LINES_MAX = 200;
const TEXT_CHARS_MAX = 30_000;
const LINE_CHARS_MAX = 300;
/** The file name and line number before a line. */
const PREFIX_CHARS_MAX = 200;
const ERROR_CHARS_MAX = 2_000;
const SEARCH_MS_MAX = 30_000;

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
    'Searches the files of the repository for a regular expression (as ripgrep understands it), and gives each matching line ' +
    'with its file and number. `path`: a folder or file to search in; `glob`: only files with such a name, as in `*.ts`; ' +
    '`context`: this many lines around each match. What git ignores is left out.',
  input: Input,
  reads_only: true,
  run: async (input, context) => {
    const root = await realpath(context.repo_dir);
    const real = await pathToRead(input.path ?? '.', context);
    const path = relative(root, real) || '.';
    const matches = await collect('rg', ripgrepArgs(input, path), root, context).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
      return collect('grep', grepArgs(input, path), root, context);
    });
    if (matches.text === '') {
      if (matches.errors !== '') throw new ToolError(`The search failed: ${matches.errors}`);
      return `Nothing in ${path} matches.`;
    }
    const note = matches.is_cut ? `\n[Only the first results. Narrow the search by path, glob or pattern.]` : '';
    return `${matches.note}${matches.text}${note}`;
  },
});

type Matches = { text: string; is_cut: boolean; errors: string; note: string };

/** Runs the program until it ends or has found enough. Rejects with ENOENT if it is not installed. */
async function collect(
  program: 'rg' | 'grep',
  args: string[],
  cwd: string,
  { signal, shell }: ToolContext,
): Promise<Matches> {
  const decoder = new TextDecoder();
  let [text, errors] = ['', ''];
  let is_cut = false;
  const group = startGroup(program, args, {
    cwd,
    env: { LC_ALL: 'C.UTF-8', PATH: shell.path },
    signal,
    timeout_ms: SEARCH_MS_MAX,
    onData: (bytes, from) => {
      if (from === 'stderr') {
        errors = (errors + bytes.toString()).slice(0, ERROR_CHARS_MAX);
        return;
      }
      if (is_cut) return;
      text += decoder.decode(bytes, { stream: true });
      is_cut = text.split('\n').length - 1 >= LINES_MAX || text.length >= TEXT_CHARS_MAX;
      if (is_cut) void group.end();
    },
  });
  const { timed_out } = await group.exited;
  const note = program === 'grep' ? '[ripgrep is not installed: these are the results of grep -E.]\n' : '';
  return { text: cutText(text), is_cut: is_cut || timed_out, errors: errors.trim(), note };
}

function cutText(text: string): string {
  return text
    .slice(0, TEXT_CHARS_MAX)
    .split('\n')
    .slice(0, LINES_MAX)
    .map((line) => line.slice(0, LINE_CHARS_MAX + PREFIX_CHARS_MAX))
    .join('\n')
    .trimEnd()
    .toWellFormed();
}

function ripgrepArgs(input: Input, path: string): string[] {
  return [
    '--no-config',
    '--line-number',
    '--with-filename',
    '--no-heading',
    '--color=never',
    '--hidden',
    '--glob=!.git',
    `--max-columns=${LINE_CHARS_MAX}`,
    '--max-columns-preview',
    '--sort=path',
    ...(input.glob === undefined ? [] : [`--glob=${input.glob}`]),
    ...(input.ignore_case === true ? ['--ignore-case'] : []),
    ...commonArgs(input, path),
  ];
}

function grepArgs(input: Input, path: string): string[] {
  return [
    '-rnHIE',
    '--exclude-dir=.git',
    '--exclude-dir=node_modules',
    ...(input.glob === undefined ? [] : [`--include=${input.glob}`]),
    ...(input.ignore_case === true ? ['-i'] : []),
    ...commonArgs(input, path),
  ];
}

/** The last arguments, which both programs understand. */
function commonArgs({ pattern, context }: Input, path: string): string[] {
  return [...(context === undefined ? [] : [`--context=${context}`]), `--regexp=${pattern}`, '--', path];
}
