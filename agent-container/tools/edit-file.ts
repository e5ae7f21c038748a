import { z } from 'zod';
import { errorCode } from '../base/error-code.ts';
import { openFile, pathToWrite } from './paths.ts';
import { defineTool, ToolError } from './tool.ts';
import { writeAtomically } from './write-atomically.ts';

const FILE_BYTES_MAX = 10 * 1024 * 1024;
const CONTEXT_LINES = 4;
const SNIPPET_LINES_MAX = 60;
const BOM = '\uFEFF';

export const editFile = defineTool({
  name: 'edit_file',
  description:
    'Replaces text in a file of the repository. `old_text` must be in the file exactly once, spaces and indentation included ' +
    '(no line numbers): give enough of the lines around it. With `replace_all` every occurrence is replaced. Read the file ' +
    'first. Line endings stay as they are.',
  input: z.strictObject({
    path: z.string().min(1),
    old_text: z.string().min(1),
    new_text: z.string(),
    replace_all: z.boolean().optional(),
  }),
  run: async ({ path, old_text, new_text, replace_all = false }, context) => {
    if (old_text === new_text) throw new ToolError('old_text and new_text are the same: nothing would change.');
    const real = await pathToWrite(path, context);
    const before = await readText(path, real);
    const bom = before.startsWith(BOM) ? BOM : '';
    const { text, at, count } = replace(path, before.slice(bom.length), old_text, new_text, replace_all);
    await writeAtomically(real, bom + text);
    return `Replaced ${count === 1 ? 'it' : `${count} occurrences`} in ${path}:\n${snippet(text, at, new_text)}`;
  },
});

async function readText(path: string, real: string): Promise<string> {
  const { file, size } = await openFile(real).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') throw new ToolError(`There is no ${path}. Use write_file to make it.`);
    throw error;
  });
  try {
    if (size > FILE_BYTES_MAX) throw new ToolError(`${path} has ${size} bytes: use sed in run_command.`);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await file.readFile());
  } catch (error) {
    if (error instanceof TypeError)
      throw new ToolError(`${path} is not UTF-8 text: use run_command to change it.`, { cause: error });
    throw error;
  } finally {
    await file.close();
  }
}

type Replacement = { text: string; at: number; count: number };

function replace(path: string, text: string, old_text: string, new_text: string, all: boolean): Replacement {
  // The model sees lines without their line endings, so its text lacks the carriage returns of a CRLF file.
  const is_crlf = text.includes('\r\n') && !old_text.includes('\r\n');
  const [old, fresh] =
    is_crlf && !text.includes(old_text) ? [toCrlf(old_text), toCrlf(new_text)] : [old_text, new_text];
  // A part of one line matches as it is, but its replacement may have several lines: these need the file's endings.
  const replacement = is_crlf && old === old_text && !/[^\r]\n/.test(text) ? toCrlf(new_text) : fresh;
  const parts = text.split(old);
  const count = parts.length - 1;
  if (count === 0) throw new ToolError(notFound(path, text, old_text));
  if (count > 1 && !all)
    throw new ToolError(
      `old_text is in ${path} ${count} times (lines ${linesOf(parts, old).join(', ')}). Give more of the surrounding lines, or set replace_all.`,
    );
  return { text: parts.join(replacement), at: parts[0]?.length ?? 0, count };
}

function toCrlf(text: string): string {
  return text.replace(/\r?\n/g, '\r\n');
}

/** The line numbers of the first ten occurrences. */
function linesOf(parts: string[], old: string): number[] {
  let line = 1;
  return parts
    .slice(0, -1)
    .slice(0, 10)
    .map((part, i) => {
      line += countNewlines(part) + (i > 0 ? countNewlines(old) : 0);
      return line;
    });
}

function countNewlines(text: string): number {
  return text.split('\n').length - 1;
}

function notFound(path: string, text: string, old_text: string): string {
  const lines = text.split('\n').map(normalizeSpaces);
  const wanted = old_text.split('\n').map(normalizeSpaces);
  const at = lines.findIndex((_, i) => wanted.every((line, j) => lines[i + j] === line));
  const near =
    at === -1
      ? 'Read the file again: it may have changed.'
      : `Lines ${at + 1} to ${at + wanted.length} differ from it only in spaces: read them and give them exactly.`;
  return `old_text is not in ${path}. ${near}`;
}

const normalizeSpaces = (line: string) => line.replace(/\s+/g, ' ').trim();

/** The lines around the change, numbered. */
function snippet(text: string, at: number, new_text: string): string {
  const lines = text.split(/\r?\n/);
  const line = countNewlines(text.slice(0, at));
  const from = Math.max(0, line - CONTEXT_LINES);
  const to = Math.min(lines.length, line + countNewlines(new_text) + 1 + CONTEXT_LINES, from + SNIPPET_LINES_MAX);
  return lines
    .slice(from, to)
    .map((text, i) => `${String(from + i + 1).padStart(6)}\t${text.slice(0, 500)}`)
    .join('\n')
    .toWellFormed();
}
