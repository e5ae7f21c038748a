import { LIMITS } from './limits.ts';

/** `width` and `height`: in pixels; null for what is no picture. */
export type FileKind = { media_type: string; width: number | null; height: number | null };

/** Whether a picture may be decoded to show it: one with more pixels would take too much memory. */
export function isShowable({ media_type, width, height }: FileKind): boolean {
  if (!media_type.startsWith('image/') || width === null || height === null) return false;
  return width * height <= LIMITS.shown_picture_pixels_max;
}
