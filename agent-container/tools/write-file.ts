import { z } from 'zod';
import { pathToWrite, shownPath } from './paths.ts';
import { encodeText, NoTextError, PLAIN, readTextFile } from './text-file.ts';
import { defineTool } from './tool.ts';
import { writeAtomically } from './write-atomically.ts';

export const writeFile = defineTool({
  name: 'write_file',
  description:
    'Writes a whole file in the repository: a new one, with the folders that it needs, or in place of the one that is there. ' +
    'To change a part of a file use edit_file. A file with CRLF line endings, or a byte order mark, keeps them.',
  input: z.strictObject({ path: z.string().min(1), content: z.string() }),
  run: async ({ path, content }, context) => {
    const real = await pathToWrite(path, context);
    let was_text = true;
    // What is there may be no text, and is replaced all the same.
    const before = await readTextFile(path, real).catch((error: unknown) => {
      was_text = !(error instanceof NoTextError);
      return undefined;
    });
    const keeps_crlf = before !== undefined && hasMostlyCrlf(before.text) && !content.includes('\r');
    const text = keeps_crlf ? content.replaceAll('\n', '\r\n') : content;
    const is_new = await writeAtomically(real, encodeText(text, before?.format ?? PLAIN), context.scratch_dir);
    const lines = content === '' ? 0 : content.replace(/\n$/, '').split('\n').length;
    const crlf_note = keeps_crlf && text !== content ? ', with CRLF line endings as before' : '';
    const note = was_text
      ? crlf_note
      : ', as UTF-8. What was there was not UTF-8: if its encoding must stay, undo this and use run_command';
    return `${is_new ? 'Created' : 'Replaced'} ${await shownPath(real, context)}: ${lines} ${lines === 1 ? 'line' : 'lines'}${note}.`;
  },
});

function hasMostlyCrlf(text: string): boolean {
  const newlines = text.split('\n').length - 1;
  return text.split('\r\n').length - 1 > newlines / 2;
}
