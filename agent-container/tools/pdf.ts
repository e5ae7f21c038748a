import { inflateSync } from 'node:zlib';
import type { ContentBlock } from '../model/message.ts';
import { ToolError } from './tool.ts';

/** As base64 it must fit into one event, with room for the rest. */
const PDF_BYTES_MAX = 640 * 1024;
/** As the API bounds it. */
const PAGES_MAX = 100;
/** The end of the file has to be within its last bytes. */
const TRAILER_BYTES = 2_048;
/** How much is unpacked of one file to count its pages: 100 pages have far less. */
const UNPACKED_BYTES_MAX = 8 * 1024 * 1024;
/** Newer PDFs keep their pages in such streams. */
const OBJECT_STREAM = '/ObjStm';
const HINT = 'Take the text or the pages that you need out of it with run_command.';

export function isPdf(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, 5) === '%PDF-';
}

/**
 * A content block of a PDF. The API refuses a whole request for one document that it cannot read, so what it would
 * refuse is refused here. Throws `ToolError`.
 */
export function pdfBlock(path: string, bytes: Buffer): ContentBlock {
  if (bytes.length > PDF_BYTES_MAX)
    throw new ToolError(`${path} is a PDF of ${bytes.length} bytes; at most ${PDF_BYTES_MAX} can be shown. ${HINT}`);
  const text = bytes.toString('latin1');
  if (!/startxref\s+\d+\s+%%EOF/.test(text.slice(-TRAILER_BYTES)))
    throw new ToolError(`${path} is a PDF without its end: it is damaged, and cannot be shown.`);
  if (/\/Encrypt\s+\d/.test(text)) throw new ToolError(`${path} is an encrypted PDF, and cannot be shown.`);
  const pages = pagesFound(bytes, text);
  if (pages > PAGES_MAX)
    throw new ToolError(`${path} is a PDF of ${pages} pages; at most ${PAGES_MAX} can be shown. ${HINT}`);
  const data = bytes.toString('base64');
  return { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } };
}

/** The pages that are found. A PDF may have more: in streams that cannot be unpacked, or that have too many bytes. */
function pagesFound(bytes: Buffer, text: string): number {
  let pages = pagesIn(text);
  let bytes_left = UNPACKED_BYTES_MAX;
  let at = text.indexOf(OBJECT_STREAM);
  while (at !== -1) {
    const from = text.indexOf('stream', at);
    const to = text.indexOf('endstream', from);
    if (from === -1 || to === -1) break;
    const line_end = text.startsWith('\r\n', from + 'stream'.length) ? 2 : 1;
    const objects = unpack(bytes.subarray(from + 'stream'.length + line_end, to), bytes_left);
    if (objects === null) break;
    pages += pagesIn(objects);
    bytes_left -= objects.length;
    at = text.indexOf(OBJECT_STREAM, to);
  }
  return pages;
}

const pagesIn = (text: string): number => text.match(/\/Type\s*\/Page\b/g)?.length ?? 0;

function unpack(bytes: Buffer, bytes_max: number): string | null {
  try {
    return inflateSync(bytes, { maxOutputLength: Math.max(1, bytes_max) }).toString('latin1');
  } catch {
    return null;
  }
}
