import { relative } from 'node:path';
import { realpath } from 'node:fs/promises';
import { z } from 'zod';
import { startGroup } from '../shell/process-group.ts';
import { pathToRead } from './paths.ts';
import { defineTool, ToolError, type ToolContext } from './tool.ts';

const LINES_MAX = 200;
const TEXT_CHARS_MAX = 30_000;
const LINE_CHARS_MAX = 300;
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
    'Searches the files of the repository for a regular expression (that of ripgrep), and gives each line with its file and number. `path`: a folder or file to ' +
    'search in; `glob`: only files of such a name, as in `*.ts`; `context`: so many lines around each. What git ignores is left out.',
  input: Input,
  reads_only: true,
  run: async (input, context) => {
    const root = await realpath(context.repo_dir);
    const real = await pathToRead(input.path ?? '.', context);
    const where = relative(root, real) || '.';
    const found = await collect('rg', ripgrep(input, where), root, context).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
      return collect('grep', grep(input, where), root, context);
    });
    if (found.text === '') {
      if (found.errors !== '') throw new ToolError(`The search failed: ${found.errors}`);
      return `Nothing in ${where} matches.`;
    }
    const cut = found.cut ? `\n[Only the first results. Narrow the search down by path, glob or pattern.]` : '';
    return `${found.note}${found.text}${cut}`;
  },
});

type Found = { text: string; cut: boolean; errors: string; note: string };

async function collect(
  program: 'rg' | 'grep',
  args: string[],
  cwd: string,
  { signal, shell }: ToolContext,
): Promise<Found> {
  const decoder = new TextDecoder();
  let [text, errors, lines] = ['', '', 0];
  let cut = false;
  const group = startGroup(program, args, {
    cwd,
    env: { LC_ALL: 'C.UTF-8', PATH: shell.path },
    signal,
    timeout_ms: SEARCH_MS_MAX,
    onData: (bytes, from) => {
      if (from === 'stderr') {
        errors = (errors + bytes.toString()).slice(0, 2000);
        return;
      }
      if (cut) return;
      text += decoder.decode(bytes, { stream: true });
      lines = text.split('\n').length - 1;
      cut = lines >= LINES_MAX || text.length >= TEXT_CHARS_MAX;
      if (cut) void group.end();
    },
  });
  const exit = await group.exited;
  const shown = text
    .slice(0, TEXT_CHARS_MAX)
    .split('\n')
    .slice(0, LINES_MAX)
    .map((line) => line.slice(0, LINE_CHARS_MAX + 200))
    .join('\n')
    .trimEnd()
    .toWellFormed();
  const note = program === 'grep' ? '[ripgrep is not installed here: this is what grep -E found.]\n' : '';
  return { text: shown, cut: cut || exit.timed_out, errors: errors.trim(), note };
}

function ripgrep({ pattern, glob, ignore_case, context }: Input, where: string): string[] {
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
    ...(glob === undefined ? [] : [`--glob=${glob}`]),
    ...(ignore_case === true ? ['--ignore-case'] : []),
    ...(context === undefined ? [] : [`--context=${context}`]),
    `--regexp=${pattern}`,
    '--',
    where,
  ];
}

function grep({ pattern, glob, ignore_case, context }: Input, where: string): string[] {
  return [
    '-rnHIE',
    '--exclude-dir=.git',
    '--exclude-dir=node_modules',
    ...(glob === undefined ? [] : [`--include=${glob}`]),
    ...(ignore_case === true ? ['-i'] : []),
    ...(context === undefined ? [] : [`--context=${context}`]),
    `--regexp=${pattern}`,
    '--',
    where,
  ];
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
