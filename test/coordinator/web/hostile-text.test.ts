import test from 'ava';
import { readMarkdown } from '../../../coordinator/web/parts/read-markdown.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { SCREENS_ENV } from '../../support/web/every-screen.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

/** Few characters, and more levels than a stack has room for, in reading or in drawing. */
const DEEP = {
  list: `${'- '.repeat(500)}x\nsecond line`,
  'very long list': `- a\n1. ${'- '.repeat(1_000_000)}`,
  word: '_a'.repeat(100_000),
  numbers: `${'1. '.repeat(500)}x`,
  'long list': `${'- '.repeat(4_000)}x`,
  quote: `${'>'.repeat(700)} x`,
  emphasis: `${'*a _b '.repeat(150)}x${' b_ a*'.repeat(150)}`,
  cell: `| a |\n| - |\n| ${'*a _b '.repeat(150)}x${' b_ a*'.repeat(150)} |`,
};

test('a Markdown text that is nested too deep, or has a word without an end, has no tokens', (t) => {
  for (const [name, text] of Object.entries(DEEP)) t.is(readMarkdown(text), undefined, name);
  const word = '_a'.repeat(20_000);
  for (const no_code of [
    `\`\`\` a\`b\n${word}\n\`\`\``,
    `\`\`\`\`\n\`\`\`\n\`\`\`\`\n${word}\n\`\`\``,
    `<div>\n\`\`\`\n\n${word}\n\`\`\``,
    `- x\n  \`\`\`\n${word}\n  \`\`\``,
  ])
    t.is(readMarkdown(no_code), undefined, no_code.slice(0, 12));
  for (const code of [`\`\`\`\n${word}\n\`\`\``, `~~~~ text\n~~~\n${word}\n~~~~\nEnd.`, `\`\`\`\n${word}`])
    t.is(readMarkdown(code)?.[0]?.type, 'code', code.slice(0, 12));
  const marks = '>'.repeat(200);
  t.is(readMarkdown(`\`\`\`\n${marks}\n\`\`\`\n\n${'- '.repeat(200)}\n`)?.[0]?.type, 'code');
  t.truthy(readMarkdown(`${'- '.repeat(20)}**_x_**\n\n| a |\n| - |\n| *b* |`));
});

test('a paragraph without an end has no emphasis, and others have', (t) => {
  const [long, , short] = readMarkdown(`${'**a* '.repeat(10_000)}\n\n*short*`) ?? [];
  const typesOf = (token?: object) => (token && 'tokens' in token ? token.tokens : []);
  t.like([typesOf(long), typesOf(short)], [{ 0: { type: 'text' } }, { 0: { type: 'em' } }]);
});

test.serial('a text that is nested too deep is shown as it was written, and the app goes on', async (t) => {
  t.timeout(90_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t, {}, SCREENS_ENV);
  const errand = new LivelyErrand(
    server,
    await api.call('createTask', { body: { prompt: 'Deep texts', repo_url: 'errand://sample' } }),
  );
  errand.begin();
  for (const text of Object.values(DEEP).filter(({ length }) => length <= LIMITS.text_chars_max)) errand.say(text);
  errand.say('- the last\n  - of **them**');
  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.locator('li li strong', { hasText: 'them' }).waitFor();
  t.true((await page.locator('.prose > .plain').first().innerText()).endsWith('x\nsecond line'));
  await page.goBack();
  await page.getByText('Deep texts').first().waitFor();
  t.deepEqual(faults, []);
});

test.serial('a screen that cannot be drawn says so, and leads back', async (t) => {
  t.timeout(90_000);
  const { network, page } = await openAppLoggedIn(t);
  await page.addInitScript(() => {
    Intl.supportedValuesOf = () => {
      throw new Error('This browser has no time zones.');
    };
  });
  await page.goto(`${network.url}/settings/schedules/new`);
  await page.getByRole('alert').getByText('This screen could not be shown').waitFor();
  await page.getByRole('button', { name: 'Back' }).click();
  await page.getByText('This screen could not be shown').waitFor({ state: 'detached' });
  await page.goto(`${network.url}/settings`);
  await page.getByRole('link', { name: /Schedules/ }).waitFor();
  t.is(await page.getByRole('alert').count(), 0);
});
