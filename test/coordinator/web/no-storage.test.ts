import test from 'ava';
import type { Api } from '../../support/api.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { confirmLogOut, kept } from './log-out-steps.ts';

/** How a browser's storage fails. Each runs in the page. */
const FAULTS: [name: string, fault: () => void][] = [
  [
    'refuses to open',
    () => {
      IDBFactory.prototype.open = () => {
        throw new DOMException('The operation is insecure.', 'SecurityError');
      };
    },
  ],
  [
    'fails while it opens',
    () => {
      // oxlint-disable-next-line typescript/unbound-method -- it is called with its `this`
      const { open } = IDBFactory.prototype;
      // An older version than the one that is there.
      IDBFactory.prototype.open = function (name) {
        return open.call(this, name, 1);
      };
    },
  ],
  [
    'fails when it is read',
    () => {
      IDBDatabase.prototype.transaction = () => {
        throw new DOMException('Internal error.', 'UnknownError');
      };
    },
  ],
  [
    'never answers',
    () => {
      // oxlint-disable-next-line typescript/unbound-method -- it is called with its `this`
      const { open } = IDBFactory.prototype;
      IDBFactory.prototype.open = function () {
        return Object.assign(open.call(this, 'another'), { addEventListener: () => undefined });
      };
    },
  ],
];

for (const [name, fault] of FAULTS)
  test.serial(`a storage that ${name} is told in words, and the app opens when it works again`, async (t) => {
    t.timeout(120_000);
    const { network, page } = await openAppLoggedIn(t);
    await page.addInitScript(`if (localStorage.getItem('works') === null) (${fault.toString()})();`);
    await page.goto(`${network.url}/settings`);
    await page.getByText('its storage is full, blocked or damaged').waitFor();
    await page.evaluate(() => localStorage.setItem('works', 'yes'));
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByText('live', { exact: true }).first().waitFor();
    t.is(await page.getByText('its storage is full').count(), 0);
  });

const isLoggedIn = async (api: Api): Promise<boolean> =>
  (await api.call('listSessions', {})).items.some(({ user_agent }) => user_agent?.startsWith('Mozilla/'));

test.serial('a log-out that cannot empty the tables removes the whole database', async (t) => {
  t.timeout(60_000);
  const { api, network, page } = await openAppLoggedIn(t);
  await page.goto(`${network.url}/settings`);
  await page.evaluate(() => {
    IDBObjectStore.prototype.clear = () => {
      throw new DOMException('Internal error.', 'UnknownError');
    };
  });
  await confirmLogOut(page);
  await page.locator('input[name=password]').waitFor();
  await until('the server knows', async () => !(await isLoggedIn(api)));
  await page.reload();
  await page.locator('input[name=password]').waitFor();
  t.is(await kept(page), 0);
});

for (const [name, fault] of FAULTS)
  test.serial(`a log-out whose storage ${name} and cannot be removed says so, and ends on the server`, async (t) => {
    t.timeout(120_000);
    const { api, network, page } = await openAppLoggedIn(t);
    await page.goto(`${network.url}/settings`);
    await page.getByRole('button', { name: 'Log out' }).waitFor();
    // The app lets go of the database, as a phone does in the background.
    await page.evaluate(`document.dispatchEvent(new Event('freeze')); (${fault.toString()})()`);
    await page.evaluate(() => {
      IDBFactory.prototype.deleteDatabase = () => {
        throw new DOMException('Internal error.', 'UnknownError');
      };
    });
    await confirmLogOut(page);
    await page.getByText('Errand could not remove what this browser keeps').waitFor();
    t.is(await page.getByRole('button').count(), 0, 'a reload would go on with what is kept');
    await until('the server knows', async () => !(await isLoggedIn(api)));
  });
