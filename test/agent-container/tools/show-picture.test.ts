import test from 'ava';
import sharp from 'sharp';
import { toolbox } from '../../support/tools.ts';

const png = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();

test('gives the picture, made small enough where it is too large', async (t) => {
  const { call } = await toolbox(t, { 'small.png': await png(20, 10), 'large.png': await png(3000, 1500) });
  const small = await call('show_picture', { path: 'small.png', caption: 'Small' });
  t.deepEqual(
    small.content.map(({ type, text }) => text ?? type),
    ['Shown: 20x10 pixels.', 'image'],
  );
  const large = await call('show_picture', { path: 'large.png', caption: 'Large' });
  t.is(
    large.content[0]?.['text'],
    'Shown: 2000x1000 pixels, shown smaller or converted: the file has 3000x1500 pixels.',
  );
});

test('refuses what is no picture, with what to do', async (t) => {
  const { use } = await toolbox(t, { 'a.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>', 'b.png': 'text' });
  t.regex(await use('show_picture', { path: 'a.svg', caption: 'A' }), /^ERROR: .*make a PNG/);
  t.regex(await use('show_picture', { path: 'b.png', caption: 'B' }), /^ERROR: /);
  t.regex(await use('show_picture', { path: 'none.png', caption: 'C' }), /^ERROR: There is no none.png/);
  t.regex(await use('show_picture', { path: '/etc/passwd', caption: 'D' }), /^ERROR: /);
  t.regex(await use('show_picture', { path: 'a.svg', caption: '' }), /^ERROR: The input is not valid/);
});
