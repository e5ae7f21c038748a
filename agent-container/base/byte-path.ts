import { isUtf8 } from 'node:buffer';
import { resolve } from 'node:path';

/*
 * A file name is a row of bytes, and need not be UTF-8. Inside the worker a path is a `Buffer`, so that each file can
 * be reached. For the model, a byte that is no text is `\xHH`.
 */

/** The path as text. Bytes that are not UTF-8, control characters, and what looks like an escape become `\xHH`. */
export function pathToText(path: Buffer): string {
  const special = /[^ -~\x80-\xff]|\\(?=x[0-9a-f]{2})/gi;
  const escaped = path.toString('latin1').replace(special, (byte) => escapeByte(byte.charCodeAt(0)));
  return bytesToText(Buffer.from(escaped, 'latin1'));
}

/** The path that a text stands for. It undoes `pathToText`. */
export function textToPath(text: string): Buffer {
  const parts = text.split(/\\x([0-9a-f]{2})/i);
  return Buffer.concat(parts.map((part, i) => Buffer.from(part, i % 2 === 0 ? 'utf8' : 'hex')));
}

/** Decodes UTF-8. Bytes that are not become `\xHH`. */
export function bytesToText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  let text = '';
  let from = 0;
  for (let at = 0; at < bytes.length;) {
    const length = characterBytes(bytes, at);
    at += length;
    if (length > 0) continue;
    text += bytes.toString('utf8', from, at) + escapeByte(bytes.readUInt8(at));
    from = ++at;
  }
  return text + bytes.toString('utf8', from);
}

/** How many bytes the UTF-8 character there has; 0: it is none. */
function characterBytes(bytes: Buffer, at: number): number {
  const first = bytes.readUInt8(at);
  if (first < 0x80) return 1;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

/** Like `resolve` of `node:path`. */
export function resolvePath(from: Buffer, path: Buffer): Buffer {
  return Buffer.from(resolve(from.toString('latin1'), path.toString('latin1')), 'latin1');
}

/** Whether a path is a directory or is inside it. Both are absolute. */
export function isInside(dir: Buffer, path: Buffer): boolean {
  const prefix = dir.toString('latin1').replace(/\/?$/, '/');
  return path.equals(dir) || path.toString('latin1').startsWith(prefix);
}

/** The path relative to a directory that it is in. */
export function relativePath(dir: Buffer, path: Buffer): Buffer {
  return path.subarray(dir.length).subarray(dir.at(-1) === SLASH || path.equals(dir) ? 0 : 1);
}

const SLASH = '/'.charCodeAt(0);

function escapeByte(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
