import test from 'ava';
import { openApp } from '../../support/web/app-scene.ts';
import { PASSWORD } from '../../support/start-api.ts';

test.serial(
  'the offer to install the app, which a browser makes once and early, is kept for the settings',
  async (t) => {
    t.timeout(60_000);
    const { session, context, page, faults } = await openApp(t);
    await context.addInitScript(() =>
      document.addEventListener('DOMContentLoaded', () => {
        const prompt = () => (document.title = 'Asked');
        window.dispatchEvent(Object.assign(new Event('beforeinstallprompt'), { prompt }));
      }),
    );
    await page.reload();
    await page.fill('input[name=email]', session.user.email);
    await page.fill('input[name=password]', PASSWORD);
    await page.click('button[type=submit]');
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Install the app' }).click();
    t.is(await page.title(), 'Asked');
    // An offer is good for one question.
    await page.getByRole('button', { name: 'Install the app' }).waitFor({ state: 'detached' });
    t.deepEqual(faults, []);
  },
);
