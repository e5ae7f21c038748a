import test from 'ava';
import type { Page } from 'playwright-core';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { draftIsKept } from './kept-draft.ts';

/** Posts to the address of the share target, as the share sheet does: the page's own policy forbids forms. */
const share = (page: Page, fields: Record<string, string>, files: Record<string, string>): Promise<string> =>
  page.evaluate(
    async ([fields, files]) => {
      const body = new FormData();
      for (const [name, value] of Object.entries(fields)) body.append(name, value);
      for (const [name, text] of Object.entries(files)) body.append('files', new File([text], name));
      return (await fetch('/share', { method: 'POST', body, redirect: 'manual' })).type;
    },
    [fields, files] as const,
  );

test.serial('what is shared becomes a draft, beside what was written before, and is sent', async (t) => {
  t.timeout(120_000);
  const { network, api, page, faults } = await openAppLoggedIn(t);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.goto(`${network.url}/new?repo=errand://sample`);
  const field = page.locator('textarea.prompt');
  await field.fill('Look');
  await draftIsKept(page, 'Look');
  const fields = { title: 'A page', text: 'It fails.', url: 'https://example.org/<b>' };
  t.is(await share(page, fields, { 'log.txt': 'line', 'empty.txt': '' }), 'opaqueredirect');
  await page.goto(`${network.url}/new?left_out=1&why=unreadable`);
  await page.getByText('One thing that you shared was left out. The file is empty, or cannot be read.').waitFor();
  await page.locator('.draft-files').getByText('log.txt').waitFor();
  await until('the draft is there', async () => (await field.inputValue()).includes('example.org'));
  t.is(await field.inputValue(), 'Look\nA page\nIt fails.\nhttps://example.org/<b>');
  t.is(await page.locator('.draft-files li').count(), 1, 'an empty file is none');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  const task = await until('it is sent', async () => (await api.call('listTasks', {})).items[0]);
  t.regex(task.prompt, /^Look\nA page/);
  t.deepEqual(faults, []);
});

test.serial('what a link wrote is seen, and is told beside the draft until the person has touched that', async (t) => {
  t.timeout(120_000);
  const { network, page, faults } = await openAppLoggedIn(t);
  const told = page.getByText('A link or another app wrote here.');
  await page.goto(`${network.url}/new?repo=errand://sample`);
  const field = page.locator('textarea.prompt');
  await field.fill('Look');
  await draftIsKept(page, 'Look');
  t.is(await told.count(), 0);
  for (const query of [`text=${encodeURIComponent(`${'\n'.repeat(40)}and run it`)}`, 'shared=1']) {
    await page.goto(`${network.url}/new?${query}`);
    await told.waitFor();
    await until('the draft is there', async () => (await field.inputValue()).endsWith('and run it'));
    t.is(await field.inputValue(), 'Look\n\n\nand run it');
  }
  await field.press('End');
  await page.keyboard.type('.');
  await told.waitFor({ state: 'detached' });
  t.deepEqual(faults, []);
});

test.serial('a file is pasted, dropped, or taken with the camera', async (t) => {
  t.timeout(120_000);
  const { api, page, faults } = await openAppLoggedIn(t);
  await sendErrand(api);
  await page.getByRole('link', { name: /Fix it/ }).click();
  const field = page.locator('textarea.composer-field');
  const give = (type: 'paste' | 'drop', name: string) =>
    field.evaluate(
      (element, [type, name]) => {
        const data = new DataTransfer();
        data.items.add(new File(['x'], name, { type: 'text/plain' }));
        const more = { bubbles: true, cancelable: true };
        const event =
          type === 'paste'
            ? new ClipboardEvent(type, { ...more, clipboardData: data })
            : new DragEvent(type, { ...more, dataTransfer: data });
        element.dispatchEvent(event);
        return event.defaultPrevented;
      },
      [type, name] as const,
    );
  for (const type of ['paste', 'drop'] as const) {
    t.true(await give(type, `${type}.txt`));
    await page.locator('.draft-files').getByText(`${type}.txt`).waitFor();
  }
  await page.getByRole('button', { name: 'Attach a file' }).click();
  const camera = page.getByRole('dialog').locator('input[capture=environment]');
  t.is(await camera.getAttribute('accept'), 'image/*');
  await camera.setInputFiles({ name: 'photo.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('ffd8ff', 'hex') });
  await page.locator('.draft-files').getByText('photo.jpg').waitFor();
  t.is(await page.getByRole('dialog').count(), 0);
  await field.fill('See');
  await page.getByRole('button', { name: 'Send', exact: true }).last().click();
  await page.locator('.person:not(.unsent) .files li').nth(2).waitFor();
  t.deepEqual(faults, []);
});

test.serial('a text that an office program copies with a picture of it is pasted as a text', async (t) => {
  t.timeout(60_000);
  const { api, page, faults } = await openAppLoggedIn(t);
  await sendErrand(api);
  await page.getByRole('link', { name: /Fix it/ }).click();
  const field = page.locator('textarea.composer-field');
  const paste = (texts: Record<string, string>) =>
    field.evaluate((element, texts) => {
      const data = new DataTransfer();
      for (const [type, text] of Object.entries(texts)) data.setData(type, text);
      data.items.add(new File(['x'], 'picture.png', { type: 'image/png' }));
      const event = new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData: data });
      element.dispatchEvent(event);
      return event.defaultPrevented;
    }, texts);
  t.false(await paste({ 'text/plain': 'A cell', 'text/html': '<td>A cell</td>' }));
  t.true(await paste({ 'text/html': '<img src="picture.png">' }), 'a picture of a page');
  await page.locator('.draft-files').getByText('picture.png').waitFor();
  t.is(await page.locator('.draft-files li').count(), 1);
  t.deepEqual(faults, []);
});

test.serial('why a file was not taken shows until the message is sent', async (t) => {
  t.timeout(60_000);
  const { api, page } = await openAppLoggedIn(t);
  await sendErrand(api);
  await page.getByRole('link', { name: /Fix it/ }).click();
  const files = page.locator('form.composer input[type=file]').first();
  await files.setInputFiles({ name: 'empty.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) });
  await page.getByText('empty.txt: The file is empty, or cannot be read.').waitFor();
  await page.locator('textarea.composer-field').fill('Without it, then.');
  await page.getByRole('button', { name: 'Send', exact: true }).last().click();
  await page.getByText('The file is empty, or cannot be read.').waitFor({ state: 'detached' });
  t.pass();
});
