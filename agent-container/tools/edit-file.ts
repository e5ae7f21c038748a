import { z } from 'zod';
import { explainMiss } from './edit-miss.ts';
import { pathToWrite } from './paths.ts';
import { encodeText, readTextFile } from './text-file.ts';
import { defineTool, ToolError } from './tool.ts';
import { writeAtomically } from './write-atomically.ts';

/** Of many places only the first are named. */
const NAMED_LINES_MAX = 10;

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
    const before = await readTextFile(path, real);
    if (before === undefined) throw new ToolError(`There is no ${path}. Use write_file to make it.`);
    const places = find(before.text, old_text);
    if (places.length === 0) throw new ToolError(explainMiss(path, context.secrets.redact(before.text), old_text));
    const lines = linesOf(before.text, places);
    if (places.length > 1 && !replace_all)
      throw new ToolError(
        `old_text is in ${path} ${places.length} times (${lines}). Give more of the surrounding lines, or set replace_all.`,
      );
    const data = encodeText(replace(before.text, places, new_text), before.format);
    await writeAtomically(real, data, context.scratch_dir);
    return `Replaced ${places.length === 1 ? 'it' : `${places.length} occurrences`} in ${path} (${lines}).`;
  },
});

type Place = { at: number; found: string };

/** Where the text is. The model sees no line endings, so its newline matches any. */
function find(text: string, old_text: string): Place[] {
  const pattern = old_text
    .split(/\r?\n/)
    .map((line) => RegExp.escape(line))
    .join('\\r?\\n');
  return Array.from(text.matchAll(new RegExp(pattern, 'g')), ({ index, 0: found }) => ({ at: index, found }));
}

function replace(text: string, places: Place[], new_text: string): string {
  const with_crlf = new_text.replace(/\r?\n/g, '\r\n');
  const pieces: string[] = [];
  let [done, line_end, has_crlf] = [0, -1, false];
  for (const { at, found } of places) {
    // Once for each line: there may be many places in a long one.
    if (at > line_end) ({ line_end, has_crlf } = lineAt(text, at));
    pieces.push(text.slice(done, at), has_crlf ? with_crlf : new_text);
    done = at + found.length;
  }
  return pieces.join('') + text.slice(done);
}

/** The end of the line at this place, and whether it is CRLF. A last line without an end has that of the one before. */
function lineAt(text: string, at: number): { line_end: number; has_crlf: boolean } {
  const next = text.indexOf('\n', at);
  const newline = next === -1 ? text.lastIndexOf('\n', at) : next;
  return { line_end: next === -1 ? text.length : next, has_crlf: newline > 0 && text[newline - 1] === '\r' };
}

/** The numbers of the lines on which the places begin. */
function linesOf(text: string, places: Place[]): string {
  const numbers = places.slice(0, NAMED_LINES_MAX).map(({ at }) => text.slice(0, at).split('\n').length);
  const rest = places.length > NAMED_LINES_MAX ? ', …' : '';
  return `line${places.length === 1 ? '' : 's'} ${numbers.join(', ')}${rest}`;
}
