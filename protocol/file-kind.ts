import type { FileKind } from './showable.ts';

/** What characters a name may not have: controls, marks that change the direction of text, separators of paths. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}/\\]+/gu;
const NAME_CHARS_MAX = 120;

/** A name of a file that is safe to show: one line, no folders, no hidden characters, not too long; its end is kept. */
export function cleanName(name: string): string {
  const clean = name.toWellFormed().normalize('NFC').replace(UNSAFE, ' ').trim().replace(/^\.+/, '');
  const characters = Array.from(clean);
  if (characters.length <= NAME_CHARS_MAX) return clean || 'file';
  return `${characters.slice(0, NAME_CHARS_MAX - 20).join('')}…${characters.slice(-19).join('')}`;
}

/** How many bytes of a file `sniff` looks at. A photo's size comes after its preview. */
export const SNIFF_BYTES = 256 * 1024;

const size = (media_type: string, width: number | undefined, height: number | undefined): FileKind =>
  width && height ? { media_type, width, height } : { media_type, width: null, height: null };

/** What a file is, by its first bytes. Nothing is decoded. */
export function sniff(head: Uint8Array): FileKind {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const text = (at: number, length: number) => String.fromCharCode(...head.subarray(at, at + length));
  const u16 = (at: number, little = false) => (at + 2 <= head.length ? view.getUint16(at, little) : undefined);
  const u32 = (at: number) => (at + 4 <= head.length ? view.getUint32(at) : undefined);
  if (text(0, 8) === '\x89PNG\r\n\x1a\n') return size('image/png', u32(16), u32(20));
  if (/^GIF8[79]a$/.test(text(0, 6))) return size('image/gif', u16(6, true), u16(8, true));
  if (text(0, 3) === '\xff\xd8\xff') return jpegSize(head, u16);
  if (text(0, 4) === 'RIFF' && text(8, 4) === 'WEBP') return webpSize(head, text(12, 4), (at) => u16(at, true));
  if (text(0, 5) === '%PDF-') return size('application/pdf', undefined, undefined);
  return size('application/octet-stream', undefined, undefined);
}

/** The segments of a JPEG up to the one with its size. */
function jpegSize(head: Uint8Array, u16: (at: number) => number | undefined): FileKind {
  for (let at = 2; head[at] === 0xff;) {
    const marker = head[at + 1] ?? 0;
    const is_frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (is_frame) return size('image/jpeg', u16(at + 7), u16(at + 5));
    at += 2 + Math.max(2, u16(at + 2) ?? head.length);
  }
  return size('image/jpeg', undefined, undefined);
}

function webpSize(head: Uint8Array, kind: string, u16: (at: number) => number | undefined): FileKind {
  const u24 = (at: number) => (head[at] ?? 0) + ((head[at + 1] ?? 0) << 8) + ((head[at + 2] ?? 0) << 16);
  if (kind === 'VP8X') return size('image/webp', 1 + u24(24), 1 + u24(27));
  if (kind === 'VP8 ') return size('image/webp', (u16(26) ?? 0) & 0x3fff, (u16(28) ?? 0) & 0x3fff);
  const bits = u24(21) + (head[24] ?? 0) * 2 ** 24;
  return size('image/webp', 1 + (bits & 0x3fff), 1 + (Math.floor(bits / 2 ** 14) & 0x3fff));
}
