import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import test from 'ava';
import { z } from 'zod';
import type { ToolResult } from '../../../agent-container/tools/tool.ts';
import { toolbox } from '../../support/tools.ts';

/** What the API takes in a request with many images, and what fits into an event. */
const SIDE_MAX = 2_000;
const BYTES_MAX = 640 * 1024;

const Image = z.object({
  type: z.literal('image'),
  source: z.object({ media_type: z.string(), data: z.string() }),
});

const noise = (width: number, height: number, channels: 3 | 4 = 3) =>
  sharp(randomBytes(width * height * channels), { raw: { width, height, channels } });
const plain = (width: number, height: number, alpha = 1) =>
  sharp({ create: { width, height, channels: 4, background: { r: 200, g: 30, b: 90, alpha } } });

/** The image in a result: its bytes must decode without a fault, as what they are said to be. */
async function imageIn({ content }: ToolResult) {
  const { source } = Image.parse(content.find(({ type }) => type === 'image'));
  const bytes = Buffer.from(source.data, 'base64');
  const { format, width, height } = await sharp(bytes, { failOn: 'warning' }).metadata();
  await sharp(bytes, { failOn: 'warning' }).raw().toBuffer();
  return { ...source, bytes, width, height, is_as_said: source.media_type === `image/${format}` };
}

test('an image that the API takes is shown in its own bytes, whatever its name', async (t) => {
  const files = {
    'dot.txt': await plain(1, 1).png().toBuffer(),
    'a.jpg': await noise(300, 200).jpeg().toBuffer(),
    'b.gif': await plain(30, 20).gif().toBuffer(),
    'c.webp': await plain(2000, 2000).webp().toBuffer(),
  };
  const { call, use } = await toolbox(t, { ...files, 'fake.png': 'no image' });
  for (const [path, bytes] of Object.entries(files)) {
    const image = await imageIn(await call('read_file', { path }));
    t.true(image.is_as_said && image.bytes.equals(bytes), path);
  }
  t.is(await use('read_file', { path: 'fake.png' }), '1\tno image');
});

test('an image that is too large, or of another kind, is scaled and converted to what the API takes', async (t) => {
  const files = {
    'wide.png': await plain(9_000, 900).png().toBuffer(),
    'high.png': await plain(20, 8_001).png().toBuffer(),
    'just.png': await plain(2_001, 5).png().toBuffer(),
    'noise.png': await noise(1_500, 1_500).png().toBuffer(),
    'clear.png': await noise(1_200, 900, 4).png().toBuffer(),
    'photo.jpg': await noise(3_000, 2_500).jpeg({ quality: 95 }).toBuffer(),
    'huge.webp': await plain(4_100, 3_000).webp().toBuffer(),
    'turned.jpg': await noise(400, 200).jpeg().withMetadata({ orientation: 6 }).toBuffer(),
    'print.jpg': await noise(300, 300).toColourspace('cmyk').jpeg().toBuffer(),
    'deep.png': await noise(1_400, 900).toColourspace('rgb16').png().toBuffer(),
    'scan.tiff': await plain(2_400, 100).tiff().toBuffer(),
    'new.avif': await plain(64, 64).avif().toBuffer(),
  };
  const { call } = await toolbox(t, files);
  for (const path of Object.keys(files)) {
    const result = await call('read_file', { path });
    t.false(result.is_error, path);
    const { width, height, bytes, is_as_said } = await imageIn(result);
    t.true(is_as_said && Math.max(width, height) <= SIDE_MAX && bytes.length <= BYTES_MAX, path);
  }
  const turned = await imageIn(await call('read_file', { path: 'turned.jpg' }));
  t.deepEqual([turned.width, turned.height], [200, 400]);
});

test('a damaged image is an error of its own, or shown as far as it can be read', async (t) => {
  const [png, jpeg] = [await noise(200, 200).png().toBuffer(), await noise(200, 200).jpeg().toBuffer()];
  const files: Record<string, Buffer> = {
    head: png.subarray(0, 8),
    half: png.subarray(0, png.length / 2),
    flipped: Buffer.from(png.map((byte, i) => (i > 100 && i % 7 === 0 ? byte ^ 255 : byte))),
    'half.jpg': jpeg.subarray(0, jpeg.length / 2),
    'text.gif': Buffer.from('GIF89a....'),
    'text.webp': Buffer.from('RIFF....WEBPVP8 '),
    'text.jpg': Buffer.from('ffd8ffe000', 'hex'),
    bomb: await plain(12_000, 9_000).png().toBuffer(),
    good: png,
  };
  for (let i = 0; i < 30; i++) {
    const bytes = Buffer.from([png, jpeg][i % 2] ?? png);
    for (let n = 0; n < 1 + i; n++) bytes[16 + Math.floor(Math.random() * (bytes.length - 16))] = n * 7;
    files[`random-${i}`] = bytes;
  }
  const { call, use } = await toolbox(t, files);
  // All at once, as a model reads them.
  const read = await Promise.all(
    Object.keys(files).map(async (path) => [path, await call('read_file', { path })] as const),
  );
  for (const [path, result] of read) if (!result.is_error) t.true((await imageIn(result)).is_as_said, path);
  for (const path of ['head', 'text.gif', 'text.webp', 'text.jpg'])
    t.regex(await use('read_file', { path }), /^ERROR: .* cannot be shown: the image is damaged/, path);
  t.regex(await use('read_file', { path: 'bomb' }), /^ERROR: .*more than 50 million pixels/);
  t.false((await call('read_file', { path: 'good' })).is_error);
});

test('a damaged JPEG is never shown in its own bytes', async (t) => {
  const jpeg = await noise(120, 90).jpeg().toBuffer();
  const files = Array.from({ length: 40 }, () => {
    const bytes = Buffer.from(jpeg);
    for (let n = 0; n < 8; n++) bytes[700 + Math.floor(Math.random() * (bytes.length - 700))] = n * 7;
    return bytes;
  });
  const { call } = await toolbox(t, Object.fromEntries(files.entries()));
  for (const path of files.keys()) {
    const result = await call('read_file', { path: String(path) });
    if (!result.is_error) t.true((await imageIn(result)).is_as_said);
  }
});

const pdf = (body: string, end = 'startxref\n9\n%%EOF\n') => `%PDF-1.7\n${body}\n${end}`;

test('a PDF is shown as a document; one that the API would refuse is an error of its own', async (t) => {
  const good = pdf('1 0 obj <</Type /Pages /Count 1>> endobj 2 0 obj <</Type/Page>> endobj');
  const { call, use } = await toolbox(t, {
    'a.bin': good,
    'cut.pdf': pdf('x', ''),
    'locked.pdf': pdf('trailer <</Encrypt 5 0 R>>'),
    'long.pdf': pdf('<</Type /Page>>\n'.repeat(101)),
    'large.pdf': pdf('x'.repeat(BYTES_MAX)),
  });
  const { content } = await call('read_file', { path: 'a.bin' });
  const data = Buffer.from(good).toString('base64');
  t.deepEqual(content[1], { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } });
  t.regex(await use('read_file', { path: 'cut.pdf' }), /^ERROR: .*without its end/);
  t.regex(await use('read_file', { path: 'locked.pdf' }), /^ERROR: .*encrypted/);
  t.regex(await use('read_file', { path: 'long.pdf' }), /^ERROR: .*101 pages; at most 100/);
  t.regex(await use('read_file', { path: 'large.pdf' }), /^ERROR: .*at most 655360 can be shown/);
});

/** A PDF that keeps its pages in compressed streams of objects, as newer ones do. */
function packed(...streams: string[]): Buffer {
  const parts = streams.map((objects, i) => {
    const bytes = deflateSync(objects).toString('latin1');
    return `${i + 9} 0 obj <</Type /ObjStm /Length ${bytes.length}>>\nstream\r\n${bytes}\nendstream endobj\n`;
  });
  return Buffer.from(pdf(parts.join('')), 'latin1');
}

test('pages in compressed streams are counted, as far as that is cheap; what is not found is not claimed', async (t) => {
  const page = '<</Type /Page /Parent 2 0 R>>';
  const { call, use } = await toolbox(t, {
    'long.pdf': packed(page.repeat(60), page.repeat(41)),
    'short.pdf': packed(page.repeat(60), page.repeat(40)),
    'odd.pdf': pdf('1 0 obj <</Type/ObjStm>>\nstream\nno stream\nendstream'),
    'backwards.pdf': pdf('endstream /ObjStm'),
    'bomb.pdf': packed(...Array.from({ length: 40 }, () => ' '.repeat(4_000_000)), page.repeat(101)),
  });
  t.regex(await use('read_file', { path: 'long.pdf' }), /^ERROR: .*101 pages; at most 100/);
  for (const path of ['short.pdf', 'odd.pdf', 'backwards.pdf', 'bomb.pdf'])
    t.false((await call('read_file', { path })).is_error, path);
});

test('a notebook is shown by its cells, with their outputs and images', async (t) => {
  const png = (await plain(20, 10).png().toBuffer()).toString('base64');
  const outputs = [
    { output_type: 'stream', name: 'stdout', text: ['one\n', 'two\n'] },
    { output_type: 'display_data', data: { 'image/png': png, 'text/plain': '<Figure>' } },
    { output_type: 'display_data', data: { 'image/png': 'bm90IGFuIGltYWdl' } },
    { output_type: 'error', ename: 'E', evalue: 'x', traceback: ['\u001B[31mE\u001B[0m: x'] },
    { output_type: 'execute_result', data: { 'text/html': '<b>', 'text/plain': ['long '.repeat(2_000)] } },
  ];
  const cells = [
    { cell_type: 'markdown', metadata: {}, source: ['# Title\n', 'Text'] },
    { cell_type: 'code', execution_count: 1, source: 'print(1)', outputs },
    { cell_type: 'code', source: [], outputs: [] },
  ];
  const { call, use } = await toolbox(t, {
    'n.ipynb': JSON.stringify({ nbformat: 4, metadata: {}, cells }),
    'broken.ipynb': '{"cells": [',
    'other.ipynb': '{"a": 1}',
    'empty.ipynb': '',
  });
  const result = await call('read_file', { path: 'n.ipynb' });
  const lines = String(result.content[0]?.['text']).split('\n');
  t.deepEqual(
    lines.slice(1, 13).map((line) => line.split('\t')[1]),
    [
      '[cell 1, markdown]',
      '# Title',
      'Text',
      '[cell 2, code]',
      'print(1)',
      '[output of cell 2]',
      'one',
      'two',
      '[image 1]',
      '[image 2]',
      'E: x',
      'long '.repeat(396),
    ],
  );
  t.true((await imageIn(result)).is_as_said);
  t.deepEqual(
    result.content.slice(1).map(({ type, text }) => (type === 'text' ? String(text).slice(0, 36) : type)),
    ['[image 1]:', 'image', '[image 2] cannot be shown: the image'],
  );
  t.is((await call('read_file', { path: 'n.ipynb', offset: 2, limit: 3 })).content.length, 1);
  t.is(await use('read_file', { path: 'broken.ipynb' }), '1\t{"cells": [');
  t.is(await use('read_file', { path: 'other.ipynb' }), '1\t{"a": 1}');
  t.is(await use('read_file', { path: 'empty.ipynb' }), 'empty.ipynb is empty.');
});

test('a notebook with too many values, or nested too deep, is shown as the text that it is', async (t) => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  const withMetadata = (metadata: string) =>
    `{"cells": [{"cell_type": "code", "source": "print(1)", "metadata": ${metadata}}]}`;
  const { use } = await toolbox(t, {
    'small.ipynb': withMetadata(nested(100)),
    'deep.ipynb': withMetadata(nested(1_000)),
    'wide.ipynb': withMetadata(`[${'[],'.repeat(300_000)}[]]`),
  });
  t.regex(await use('read_file', { path: 'small.ipynb' }), /\[cell 1, code\]/);
  for (const path of ['deep.ipynb', 'wide.ipynb']) t.regex(await use('read_file', { path }), /^1\t\{"cells"/);
});
