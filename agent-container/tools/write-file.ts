import { z } from 'zod';
import { pathToWrite, shownPath } from './paths.ts';
import { defineTool } from './tool.ts';
import { writeAtomically } from './write-atomically.ts';

export const writeFile = defineTool({
  name: 'write_file',
  description:
    'Writes a whole file in the repository: a new one, with the folders that it needs, or in place of the one that is there. ' +
    'To change a part of a file use edit_file.',
  input: z.strictObject({ path: z.string().min(1), content: z.string() }),
  run: async ({ path, content }, context) => {
    const real = await pathToWrite(path, context);
    const is_new = await writeAtomically(real, content);
    const lines = content === '' ? 0 : content.replace(/\n$/, '').split('\n').length;
    return `${is_new ? 'Created' : 'Replaced'} ${await shownPath(real, context)}: ${lines} lines.`;
  },
});
