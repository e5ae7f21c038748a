import 'fake-indexeddb/auto';
import test from 'ava';
import { Database } from '../../../coordinator/web/store/database.ts';
import { Texts } from '../../../coordinator/web/store/texts.ts';

test('what is taken back before its words have left the field stands there once, as it was written', async (t) => {
  const texts = new Texts(new Database('taken back at once'));
  await texts.write('say t', 'Half up\nas always');
  await texts.give('say t', { add: 'Half up\nas always' });
  await texts.give('say t', { without: 'Half up\nas always' });
  t.is(await texts.read('say t'), 'Half up\nas always');
});

test('of a longer word than the one that was sent nothing is taken', async (t) => {
  const texts = new Texts(new Database('a longer word'));
  for (const [written, left] of [
    ['yesterday', 'yesterday'],
    ['yes', ''],
    ['yes\nand more', 'and more'],
    ['\nno', '\nno'],
  ] as const) {
    await texts.write('say t', written);
    await texts.give('say t', { without: 'yes' });
    t.is((await texts.read('say t')) ?? '', left);
  }
});
