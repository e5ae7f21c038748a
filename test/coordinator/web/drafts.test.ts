import test from 'ava';
import { Random } from '../../support/random.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';

/** Nothing that was written is lost but the last moment before a kill: the browser takes that with it. */
const LOST_MAX = 12;
const ROUNDS = 15;

test.serial('a new errand that is being written survives reloads at any moment, whole', async (t) => {
  t.timeout(120_000);
  const seed = Date.now();
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  const { page, network, faults } = await openAppLoggedIn(t);
  const field = page.locator('textarea.prompt');
  await page.goto(`${network.url}/new`);
  let written = '';
  for (let round = 0; round < ROUNDS; round++) {
    await field.waitFor();
    const waits = random.next() < 0.5;
    if (waits) await until('the draft is there', async () => (await field.inputValue()) === written);
    const text = `${round}: ${'abcdefgh '.repeat(random.whole(1, 5))}`;
    await field.pressSequentially(text, { delay: random.whole(0, 20) });
    written += text;
    await until('it goes on where it was', async () => (await field.inputValue()) === written);
    await page.reload();
  }
  await until('the draft is there', async () => (await field.inputValue()) === written);
  t.deepEqual(faults, []);
});

test.serial('a new errand that is being written without a pause survives that the page is killed', async (t) => {
  t.timeout(120_000);
  const { page, network, context } = await openAppLoggedIn(t);
  let [current, written] = [page, ''];
  for (let round = 0; round < 4; round++) {
    await current.goto(`${network.url}/new`);
    const field = current.locator('textarea.prompt');
    await field.waitFor();
    const kept = await until('the draft is there', async () => {
      const value = await field.inputValue();
      return value.length >= written.length - LOST_MAX && value;
    });
    t.true(written.startsWith(kept));
    const text = `${round}: written quickly, for some seconds, without a rest.`;
    await field.pressSequentially(text, { delay: 50 });
    written = kept + text;
    const next = await context.newPage();
    const crashed = current.waitForEvent('crash');
    await Promise.all([crashed, current.goto('chrome://crash').catch(() => undefined)]);
    await current.close();
    current = next;
  }
});

test.serial('a link fills in a new errand once, beside what was written before', async (t) => {
  t.timeout(60_000);
  const { page, network, faults } = await openAppLoggedIn(t);
  const field = page.locator('textarea.prompt');
  const has = (text: string) => until(`it has ${text}`, async () => (await field.inputValue()) === text);
  const link = `${network.url}/new?repo=https://example.org/one.git&text=From%20a%20link`;
  await page.goto(link);
  await has('From a link');
  await page.getByRole('button', { name: 'one', exact: true }).waitFor();
  t.is(new URL(page.url()).search, '');
  await field.fill('Changed');
  await page.reload();
  await has('Changed');
  await page.goto(link.replace('one', 'two'));
  await has('Changed\nFrom a link');
  await page.getByRole('button', { name: 'two', exact: true }).waitFor();
  await page.goto(link);
  await has('Changed\nFrom a link');
  await page.getByRole('button', { name: 'one', exact: true }).waitFor();
  t.deepEqual(faults, []);
});
