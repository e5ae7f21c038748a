import test from 'ava';
import type { Locator, Page } from 'playwright-core';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const DIFF = `diff --git a/a b/a
index 1111111..2222222 100644
--- a/a
+++ b/a
@@ -0,0 +1,2 @@
+one
+two
`;

const has = (field: Locator, text: string) =>
  until(`it has ${text}`, async () => (await field.inputValue({ timeout: 1_000 }).catch(() => '')) === text);

for (const [what, path, field, open] of [
  ['a message', '', (page: Page) => page.locator('textarea.composer-field'), () => Promise.resolve()],
  [
    'a comment on a line',
    '/changes',
    (page: Page) => page.locator('.note-on-line textarea'),
    (page: Page) => page.locator('.line-of', { hasText: 'two' }).click(),
  ],
] as const)
  test.serial(`${what} that is half written in two windows goes on in each from what the other has`, async (t) => {
    t.timeout(60_000);
    const { server, api, network, context, page, faults } = await openAppLoggedIn(t);
    const errand = new LivelyErrand(server, await sendErrand(api));
    errand.begin();
    errand.succeed({}, DIFF);
    const other = await context.newPage();
    for (const each of [page, other]) await each.goto(`${network.url}/errands/${errand.id}${path}`);
    await open(other);
    for (const [each, text] of [
      [page, 'Round'],
      [other, ' half'],
      [page, ' up'],
      [other, ', always'],
    ] as const) {
      await field(each).focus();
      await each.keyboard.press('ControlOrMeta+End');
      await each.keyboard.type(text);
      const written = await field(each).inputValue();
      t.true(written.endsWith(text));
      for (const window of [page, other]) await has(field(window), written);
    }
    t.is(await field(page).inputValue(), 'Round half up, always');
    await field(other).press('ControlOrMeta+End');
    await field(other).press('!');
    await other.close();
    await has(field(page), 'Round half up, always!');
    await page.reload();
    await has(field(page), 'Round half up, always!');
    t.deepEqual(faults, []);
  });
