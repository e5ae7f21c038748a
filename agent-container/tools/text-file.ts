import { isUtf8 } from 'node:buffer';
import { errorCode } from '../base/error-code.ts';
import { readUpTo } from '../base/regular-file.ts';
import { openFile } from './paths.ts';
import { ToolError } from './tool.ts';

const FILE_BYTES_MAX = 10 * 1024 * 1024;
const BOM = '\uFEFF';

/** A file is no text that can be decoded: neither UTF-8 nor UTF-16. */
export class NoTextError extends ToolError {}

/** How the text of a file is stored. The model sees the text alone, and what it writes is stored in the same way. */
export type TextFormat = { encoding: 'utf8' | 'utf16le' | 'utf16be'; has_bom: boolean };

/** The format of a new file. */
export const PLAIN: TextFormat = { encoding: 'utf8', has_bom: false };

/** The text of a file, without its byte order mark. Undefined if the bytes are no text: neither UTF-8 nor UTF-16. */
export function decodeText(bytes: Buffer): { text: string; format: TextFormat } | undefined {
  const encoding = encodingOf(bytes);
  if (encoding === undefined) return undefined;
  const text = encoding === 'utf16be' ? swapped(bytes).toString('utf16le') : bytes.toString(encoding);
  const has_bom = text.startsWith(BOM);
  return { text: has_bom ? text.slice(1) : text, format: { encoding, has_bom } };
}

/** The bytes of a text in this format. */
export function encodeText(text: string, { encoding, has_bom }: TextFormat): Buffer {
  const whole = has_bom && !text.startsWith(BOM) ? BOM + text : text;
  return encoding === 'utf16be' ? swapped(Buffer.from(whole, 'utf16le')) : Buffer.from(whole, encoding);
}

/** The text of the file at `real`; undefined if there is no file. Throws `ToolError` if it is no text, or too long. */
export async function readTextFile(path: string, real: Buffer): Promise<ReturnType<typeof decodeText>> {
  const file = await openFile(real).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const bytes = await readUpTo(file, FILE_BYTES_MAX);
    if (bytes === undefined)
      throw new ToolError(`${path} has more than ${FILE_BYTES_MAX} bytes: use sed in run_command.`);
    const decoded = decodeText(bytes);
    if (decoded === undefined) throw new NoTextError(`${path} is not UTF-8 text: use run_command to change it.`);
    return decoded;
  } finally {
    await file.close();
  }
}

/** UTF-16 is known by its byte order mark, and has an even number of bytes. */
function encodingOf(bytes: Buffer): TextFormat['encoding'] | undefined {
  const mark = bytes.length % 2 === 0 ? bytes.subarray(0, 2).toString('hex') : '';
  if (mark === 'fffe') return 'utf16le';
  if (mark === 'feff') return 'utf16be';
  return isUtf8(bytes) ? 'utf8' : undefined;
}

function swapped(bytes: Buffer): Buffer {
  return Buffer.from(bytes).swap16();
}
