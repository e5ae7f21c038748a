import test from 'ava';
import type { Page } from 'playwright-core';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK } from '../../support/web/browser.ts';

/** Posts to the address of the share target, as the share sheet does. */
const share = (page: Page, fields: Record<string, string>, files: Record<string, string>): Promise<void> =>
  page.evaluate(
    ([fields, files]) => {
      const form = document.createElement('form');
      Object.assign(form, { action: '/share', method: 'post', enctype: 'multipart/form-data' });
      for (const [name, value] of Object.entries(fields)) {
        const field = document.createElement('textarea');
        Object.assign(field, { name, value });
        form.append(field);
      }
      const given = new DataTransfer();
      for (const [name, text] of Object.entries(files)) given.items.add(new File([text], name));
      const input = document.createElement('input');
      Object.assign(input, { type: 'file', name: 'files', multiple: true, files: given.files });
      form.append(input);
      document.body.append(form);
      form.submit();
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
  await until('the draft is there after a reload', async () => {
    await page.reload();
    return (await field.inputValue()) === 'Look';
  });
  const fields = { title: 'A page', text: 'It fails.', url: 'https://example.org/<b>' };
  await share(page, fields, { 'log.txt': 'line', 'empty.txt': '' });
  await page.waitForURL(`${network.url}/new`);
  await page.locator('.draft-files').getByText('log.txt').waitFor();
  t.is(await field.inputValue(), 'Look\nA page\nIt fails.\nhttps://example.org/<b>');
  t.is(await page.locator('.draft-files li').count(), 1, 'an empty file is none');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  const task = await until('it is sent', async () => (await api.call('listTasks', {})).items[0]);
  t.regex(task.prompt, /^Look\nA page/);
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
  await page.setViewportSize(DESK);
  t.deepEqual(faults, []);
});
