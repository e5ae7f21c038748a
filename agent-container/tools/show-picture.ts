import { z } from 'zod';
import { readUpTo } from '../base/regular-file.ts';
import { fitImage, imageBlock, isImage } from './image.ts';
import { openFile, pathToRead } from './paths.ts';
import { defineTool, ToolError } from './tool.ts';

const FILE_BYTES_MAX = 20 * 1024 * 1024;
const CAPTION_CHARS_MAX = 200;

export const showPicture = defineTool({
  name: 'show_picture',
  description:
    'Shows the person a picture from a file (PNG, JPEG, GIF, WebP, TIFF or AVIF), and you too, with a caption of one line in ' +
    'their language. They follow on a phone: where your work can be seen, as a page, a chart or an image, and the machine has ' +
    'what makes a picture of it, show how it looks, and before and after where that tells more. Make it in $TMPDIR, not in the ' +
    'repository. What is secret in it stays readable.',
  input: z.strictObject({ path: z.string().min(1), caption: z.string().min(1).max(CAPTION_CHARS_MAX) }),
  reads_only: true,
  run: async ({ path }, context) => {
    const file = await openFile(await pathToRead(path, context));
    try {
      const bytes = await readUpTo(file, FILE_BYTES_MAX);
      if (bytes === undefined) throw new ToolError(`${path} has more than ${FILE_BYTES_MAX} bytes: make it smaller.`);
      if (!isImage(bytes)) throw new ToolError(`${path} is no picture of a kind that can be shown: make a PNG of it.`);
      const image = await fitImage(path, bytes);
      const text = `Shown: ${image.width}x${image.height} pixels${image.note}.`;
      return { content: [{ type: 'text', text }, imageBlock(image)], is_error: false };
    } finally {
      await file.close();
    }
  },
});
