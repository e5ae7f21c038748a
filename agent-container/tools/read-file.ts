import { basename } from 'node:path';
import { z } from 'zod';
import { openFile, pathToRead } from './paths.ts';
import { defineTool, ToolError, type ToolResult } from './tool.ts';

const FILE_BYTES_MAX = 20 * 1024 * 1024;
const LINES_MAX = 2000;
const TEXT_CHARS_MAX = 50_000;
const LINE_CHARS_MAX = 2000;
/** As base64 it must fit into one event, with room for the rest. */
const IMAGE_BYTES_MAX = 640 * 1024;

export const readFile = defineTool({
  name: 'read_file',
  description:
    'Reads a file. Gives its lines with their numbers, from `offset` (1 is the first) and at most `limit` of them; a long file ' +
    'comes in parts, and the end of each part says how to go on. Images (PNG, JPEG, GIF, WebP) are shown. Paths start at the ' +
    'root of the repository. The files with long command outputs can be read too.',
  input: z.strictObject({
    path: z.string().min(1),
    offset: z.int().min(1).optional(),
    limit: z.int().min(1).max(LINES_MAX).optional(),
  }),
  reads_only: true,
  run: async ({ path, offset = 1, limit = LINES_MAX }, context) => {
    const { file, size } = await openFile(await pathToRead(path, context));
    try {
      if (size > FILE_BYTES_MAX)
        throw new ToolError(`${path} has ${size} bytes, too many to read whole. Use search, or sed -n in run_command.`);
      const bytes = await file.readFile();
      const image = imageType(bytes);
      if (image) return imageResult(path, image, bytes);
      if (bytes.subarray(0, 8192).includes(0))
        return `${path} is a binary file of ${size} bytes. Use run_command with file, xxd or strings to look into it.`;
      return numberedLines(path, new TextDecoder().decode(bytes), offset, limit);
    } finally {
      await file.close();
    }
  },
});

function numberedLines(path: string, text: string, offset: number, limit: number): string {
  if (text === '') return `${path} is empty.`;
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  if (offset > lines.length) throw new ToolError(`${path} has ${lines.length} lines: there is no line ${offset}.`);
  const shown: string[] = [];
  let chars = 0;
  for (const line of lines.slice(offset - 1, offset - 1 + limit)) {
    const numbered = `${String(offset + shown.length).padStart(6)}\t${cutLine(line)}`;
    chars += numbered.length + 1;
    if (chars > TEXT_CHARS_MAX && shown.length > 0) break;
    shown.push(numbered);
  }
  const last = offset + shown.length - 1;
  const result = shown.join('\n').toWellFormed();
  if (last === lines.length) return result;
  return `${result}\n[Lines ${offset} to ${last} of ${lines.length}. Go on with offset ${last + 1}.]`;
}

function cutLine(line: string): string {
  return line.length <= LINE_CHARS_MAX
    ? line
    : `${line.slice(0, LINE_CHARS_MAX)} [… ${line.length - LINE_CHARS_MAX} more characters in this line]`;
}

/**
 * The media type by the file's first bytes, not by its name: the API refuses an image of another type than declared.
 */
function imageType(bytes: Buffer): string | undefined {
  if (bytes.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex'))) return 'image/png';
  if (bytes.subarray(0, 3).equals(Buffer.from('ffd8ff', 'hex'))) return 'image/jpeg';
  if (/^GIF8[79]a/.test(bytes.subarray(0, 6).toString('latin1'))) return 'image/gif';
  if (/^RIFF[^]{4}WEBP/.test(bytes.subarray(0, 12).toString('latin1'))) return 'image/webp';
  return undefined;
}

function imageResult(path: string, media_type: string, bytes: Buffer): ToolResult {
  if (bytes.length > IMAGE_BYTES_MAX)
    throw new ToolError(
      `${path} is an image of ${bytes.length} bytes; at most ${IMAGE_BYTES_MAX} can be shown. Make a smaller copy of it with run_command.`,
    );
  return {
    content: [
      { type: 'text', text: `${basename(path)}, ${media_type}, ${bytes.length} bytes:` },
      { type: 'image', source: { type: 'base64', media_type, data: bytes.toString('base64') } },
    ],
    is_error: false,
  };
}
