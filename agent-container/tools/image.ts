import type { Sharp, SharpOptions } from 'sharp';
import type { ContentBlock } from '../model/message.ts';
import { ToolError } from './tool.ts';

/** The API takes 8,000 pixels a side, but only 2,000 in a request with many images. */
const SIDE_PIXELS_MAX = 2_000;
/** As base64 it must fit into one event, with room for the rest. This is far below what the API takes. */
const IMAGE_BYTES_MAX = 640 * 1024;
/** A larger one would take too much memory to decode. */
const PIXELS_MAX = 50_000_000;
const DECODE_S_MAX = 20;
/** The sides to try until the bytes fit. */
const SIDES = [SIDE_PIXELS_MAX, 1_400, 1_000, 700, 400];

/** The formats that the API takes. Others are converted. */
const MEDIA_TYPES: Record<string, string> = {
  png: 'image/png',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
};

export type FittedImage = { media_type: string; bytes: Buffer; width: number; height: number; note: string };

/** Whether the first bytes are those of an image, whatever its name: PNG, JPEG, GIF, WebP, TIFF or AVIF. */
export function isImage(bytes: Buffer): boolean {
  const head = bytes.toString('latin1', 0, 12);
  return /^(\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|RIFF[^]{4}WEBP|II\*\0|MM\0\*|[^]{4}ftypavi[fs])/.test(head);
}

let previous: Promise<unknown> = Promise.resolve();

/**
 * The image as the API takes it: in its own bytes if they are fine, else scaled or converted. The API refuses a whole
 * request for one image that it cannot decode, so each is decoded here. One at a time, to bound the memory. Throws
 * `ToolError` for an image that is damaged or too large.
 */
export function fitImage(path: string, bytes: Buffer): Promise<FittedImage> {
  const fitted = previous.then(() => fit(path, bytes));
  previous = fitted.catch(() => undefined);
  return fitted;
}

/** A content block of this image. */
export function imageBlock({ media_type, bytes }: FittedImage): ContentBlock {
  return { type: 'image', source: { type: 'base64', media_type, data: bytes.toString('base64') } };
}

/** Images and their labels for one result. Of what cannot be shown, or does not fit into it, words say so. */
export async function imageBlocks(images: readonly { label: string; bytes: Buffer }[]): Promise<ContentBlock[]> {
  const blocks: ContentBlock[] = [];
  let bytes_left = IMAGE_BYTES_MAX;
  for (const { label, bytes } of images) {
    const image = await fitImage(label, bytes).catch((error: unknown) =>
      error instanceof Error ? error.message : String(error),
    );
    if (typeof image === 'string') blocks.push({ type: 'text', text: image });
    else if (image.bytes.length > bytes_left)
      blocks.push({ type: 'text', text: `${label} is left out: too many bytes.` });
    else {
      bytes_left -= image.bytes.length;
      blocks.push({ type: 'text', text: `${label}:` }, imageBlock(image));
    }
  }
  return blocks;
}

async function fit(path: string, bytes: Buffer): Promise<FittedImage> {
  const open = await opener(bytes);
  try {
    const { format, width, height, pages = 1, orientation = 1, space } = await open({ failOn: 'none' }).metadata();
    const media_type = MEDIA_TYPES[format];
    const is_plain = pages === 1 && orientation === 1 && space !== 'cmyk' && bytes.length <= IMAGE_BYTES_MAX;
    if (media_type !== undefined && is_plain && Math.max(width, height) <= SIDE_PIXELS_MAX && (await isIntact(open)))
      return { media_type, bytes, width, height, note: '' };
    const note = `, shown smaller or converted: the file has ${width}x${height} pixels`;
    return { ...(await convert(open, format)), note };
  } catch (error) {
    throw new ToolError(`${path} cannot be shown: ${describe(error)}`, { cause: error });
  }
}

type Open = (options?: SharpOptions) => Sharp;

/** Loaded on demand: most tasks have no image. */
async function opener(bytes: Buffer): Promise<Open> {
  const { default: sharp } = await import('sharp').catch((cause: unknown) => {
    throw new ToolError('Images cannot be shown on this machine.', { cause });
  });
  sharp.cache(false);
  return (options) => sharp(bytes, { limitInputPixels: PIXELS_MAX, ...options }).timeout({ seconds: DECODE_S_MAX });
}

/** Decodes the whole image: of a damaged JPEG its statistics alone are computed without a fault every other time. */
async function isIntact(open: Open): Promise<boolean> {
  return open()
    .raw()
    .toBuffer()
    .then(
      () => true,
      () => false,
    );
}

/** A damaged image is converted as far as it can be read. */
async function convert(open: Open, format: string): Promise<Omit<FittedImage, 'note'>> {
  for (const side of SIDES) {
    const scaled = open({ failOn: 'none' })
      .autoOrient()
      .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb');
    const png = format === 'jpeg' ? undefined : await encoded(scaled.clone().png(), 'image/png');
    if (png && png.bytes.length <= IMAGE_BYTES_MAX) return png;
    const jpeg = await encoded(scaled.flatten({ background: 'white' }).jpeg({ quality: 80 }), 'image/jpeg');
    if (jpeg.bytes.length <= IMAGE_BYTES_MAX) return jpeg;
  }
  throw new Error('it cannot be made small enough.');
}

async function encoded(image: Sharp, media_type: string): Promise<Omit<FittedImage, 'note'>> {
  const { data, info } = await image.toBuffer({ resolveWithObject: true });
  return { media_type, bytes: data, width: info.width, height: info.height };
}

function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/pixel limit/i.test(message))
    return `it has more than ${PIXELS_MAX / 1e6} million pixels. Make a smaller copy of it with run_command.`;
  return `the image is damaged, or of a kind that is not known (${message.split('\n')[0]}).`;
}
