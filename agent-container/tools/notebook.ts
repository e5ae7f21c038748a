import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import { shapeFault, type ShapeLimits } from '../../protocol/json-shape.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { cutMiddle } from '../base/head-and-tail.ts';
import type { Secrets } from '../base/secrets.ts';

const OUTPUT_CHARS_MAX = 4_000;
const NODES_MAX = 500_000;
/** What a notebook may have. A megabyte of brackets takes 140 MB when it is parsed. */
const SHAPE: ShapeLimits = {
  depth_max: LIMITS.body_depth_max,
  nodes_max: NODES_MAX,
  elements_max: NODES_MAX,
  keys_max: LIMITS.body_keys_max,
};
/** The images that the output of a cell may have, in the order of preference. */
const IMAGE_TYPES = ['image/png', 'image/jpeg'];

const Lines = z.union([z.string(), z.array(z.string())]).transform((lines) => [lines].flat().join(''));
const Output = z.object({
  text: Lines.optional(),
  data: z.record(z.string(), z.unknown()).optional(),
  traceback: z.array(z.string()).optional(),
});
const Notebook = z.object({
  cells: z.array(z.object({ cell_type: z.string(), source: Lines, outputs: z.array(Output).optional() })),
});
type Cell = z.infer<typeof Notebook>['cells'][number];

/** A notebook as text, with a marker such as `[image 1]` for each image. */
export type RenderedNotebook = { text: string; images: Buffer[] };

/**
 * A Jupyter notebook as text: its cells with their outputs, without secrets. Undefined if it is none, or has too much
 * structure.
 */
export function renderNotebook(json: string, secrets: Secrets): RenderedNotebook | undefined {
  const { data } = Notebook.safeParse(parseJson(json));
  if (data === undefined) return undefined;
  const images: Buffer[] = [];
  const cells = data.cells.map((cell, i) => renderCell(cell, i + 1, { images, secrets }));
  const head = `[A notebook of ${cells.length} cells. To change it edit its JSON, which run_command shows.]`;
  return { text: [head, ...cells].join('\n'), images };
}

/** The marker of an image in the text. */
export function imageMarker(number: number): string {
  return `[image ${number}]`;
}

type Context = { images: Buffer[]; secrets: Secrets };

function renderCell({ cell_type, source, outputs = [] }: Cell, number: number, context: Context): string {
  const rendered = outputs.map((output) => renderOutput(output, context)).filter((text) => text !== '');
  const output = rendered.length === 0 ? [] : [`[output of cell ${number}]`, ...rendered];
  return [`[cell ${number}, ${cell_type}]`, context.secrets.redact(source), ...output].join('\n');
}

function renderOutput({ text, data = {}, traceback }: z.infer<typeof Output>, { images, secrets }: Context): string {
  const image = IMAGE_TYPES.map((type) => Lines.safeParse(data[type]).data).find((found) => found !== undefined);
  if (image !== undefined) return imageMarker(images.push(Buffer.from(image, 'base64')));
  const shown = text ?? traceback?.join('\n') ?? Lines.safeParse(data['text/plain']).data ?? '';
  return cutMiddle(secrets.redact(stripVTControlCharacters(shown).trimEnd()), OUTPUT_CHARS_MAX);
}

function parseJson(json: string): unknown {
  try {
    return shapeFault(Buffer.from(json), SHAPE) === undefined ? JSON.parse(json) : undefined;
  } catch {
    return undefined;
  }
}
