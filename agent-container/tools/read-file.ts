import { z } from 'zod';
import { bytesToText } from '../base/byte-path.ts';
import { readUpTo } from '../base/regular-file.ts';
import type { Secrets } from '../base/secrets.ts';
import type { ContentBlock } from '../model/message.ts';
import { fitImage, imageBlock, imageBlocks, isImage } from './image.ts';
import { imageMarker, renderNotebook, type RenderedNotebook } from './notebook.ts';
import { openFile, pathToRead } from './paths.ts';
import { isPdf, pdfBlock } from './pdf.ts';
import { decodeText } from './text-file.ts';
import { defineTool, ToolError, type ToolResult } from './tool.ts';

const FILE_BYTES_MAX = 20 * 1024 * 1024;
const LINES_MAX = 2000;
const TEXT_CHARS_MAX = 50_000;
const LINE_CHARS_MAX = 2000;
const NOT_UTF8 =
  '\n[The file is not UTF-8: \\xHH stands for one byte. Change it with a command that keeps its encoding, not with write_file.]';

export const readFile = defineTool({
  name: 'read_file',
  description:
    'Reads a file. Gives its lines with their numbers, from `offset` (1 is the first) and at most `limit` of them; a long file ' +
    'comes in parts, and the end of each part says how to go on. Images and PDFs are shown, notebooks by their cells. Paths ' +
    'start at the root of the repository; `\\xHH` in a path is a byte. The files with long command outputs, and those ' +
    'in $HOME and $TMPDIR, can be read too.',
  input: z.strictObject({
    path: z.string().min(1),
    offset: z.int().min(1).optional(),
    limit: z.int().min(1).max(LINES_MAX).optional(),
  }),
  reads_only: true,
  run: async ({ path, offset = 1, limit = LINES_MAX }, context) => {
    const file = await openFile(await pathToRead(path, context));
    try {
      const bytes = await readUpTo(file, FILE_BYTES_MAX);
      if (bytes === undefined)
        throw new ToolError(
          `${path} has more than ${FILE_BYTES_MAX} bytes, too many to read whole. Use search, or sed -n in run_command.`,
        );
      return await show(path, bytes, { offset, limit, secrets: context.secrets });
    } finally {
      await file.close();
    }
  },
});

type Part = { offset: number; limit: number; secrets: Secrets };

async function show(path: string, bytes: Buffer, part: Part): Promise<string | ToolResult> {
  if (isImage(bytes)) return showImage(path, bytes);
  if (isPdf(bytes)) return withText(`${path}, ${bytes.length} bytes:`, [pdfBlock(path, bytes)]);
  const decoded = decodeText(bytes);
  if ((decoded?.format.encoding ?? 'utf8') === 'utf8' && bytes.subarray(0, 8192).includes(0))
    return `${path} is a binary file of ${bytes.length} bytes. Use run_command with file, xxd or strings to look into it.`;
  const text = decoded?.text ?? bytesToText(bytes);
  const notebook = path.endsWith('.ipynb') ? renderNotebook(text, part.secrets) : undefined;
  const encoding_note = decoded === undefined ? NOT_UTF8 : '';
  if (notebook === undefined) return numberedLines(path, part.secrets.redact(text), part) + encoding_note;
  return showNotebook(notebook, numberedLines(path, notebook.text, part));
}

async function showImage(path: string, bytes: Buffer): Promise<ToolResult> {
  const image = await fitImage(path, bytes);
  const { media_type, width, height, note } = image;
  return withText(`${path}, ${media_type}, ${width}x${height} pixels${note}:`, [imageBlock(image)]);
}

/** Adds the images whose markers are in the part of the text that is shown, as far as they fit into one result. */
async function showNotebook({ images }: RenderedNotebook, text: string): Promise<ToolResult> {
  const labelled = images.map((bytes, i) => ({ label: imageMarker(i + 1), bytes }));
  return withText(text, await imageBlocks(labelled.filter(({ label }) => text.includes(label))));
}

function withText(text: string, blocks: ContentBlock[]): ToolResult {
  return { content: [{ type: 'text', text }, ...blocks], is_error: false };
}

function numberedLines(path: string, text: string, { offset, limit }: Part): string {
  if (text === '') return `${path} is empty.`;
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  if (offset > lines.length) throw new ToolError(`${path} ends with line ${lines.length}: there is no line ${offset}.`);
  const shown: string[] = [];
  let chars = 0;
  for (const line of lines.slice(offset - 1, offset - 1 + limit)) {
    const numbered = `${offset + shown.length}\t${cutLine(line)}`;
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
