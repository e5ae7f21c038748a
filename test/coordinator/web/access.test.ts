import test from 'ava';
import { openApp, openAppLoggedIn } from '../../support/web/app-scene.ts';

test.serial('who goes from the log-in to a new account keeps the address, and reads what that needs', async (t) => {
  t.timeout(60_000);
  const { page, faults } = await openApp(t);
  await page.fill('input[name=email]', 'bea@example.org');
  await page.fill('input[name=password]', 'not my password');
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await page.locator('.fault', { hasText: 'wrong' }).waitFor();
  await page.getByRole('button', { name: /No account yet/ }).click();
  await page.getByText('You may need a link').waitFor();
  t.is(await page.inputValue('input[name=email]'), 'bea@example.org');
  t.is(await page.locator('.fault:not(:empty)').count(), 0);
  t.deepEqual(
    faults.filter((fault) => !fault.includes('status of 401')),
    [],
  );
});

test.serial('where sign-up is closed, the way to a new account is a link alone', async (t) => {
  t.timeout(60_000);
  const { page, api, network, faults } = await openApp(t, {}, { ERRAND_SIGNUP: 'closed' });
  await page.getByText('One with a password takes a link').waitFor();
  const ways = page.getByRole('button', { name: /account/ });
  t.is(await ways.count(), 0);
  const { fragment } = await api.call('createInvite', { body: {} });
  await page.goto('about:blank');
  await page.goto(`${network.url}/#${fragment}`);
  await page.getByRole('button', { name: 'Have an account? Log in' }).click();
  await page.getByRole('button', { name: /No account yet/ }).click();
  await page.getByRole('button', { name: 'Create account' }).waitFor();
  t.is(await page.getByText('One with a password takes a link').count(), 0, 'this one has a link');
  t.deepEqual(faults, []);
});

test.serial('an invitation that is opened by who is logged in says why nothing comes of it', async (t) => {
  t.timeout(60_000);
  const { api, network, page, session, faults } = await openAppLoggedIn(t);
  const { fragment } = await api.call('createInvite', { body: {} });
  await page.goto('about:blank');
  await page.goto(`${network.url}/#${fragment}`);
  const note = page.locator('.update', { hasText: `You are logged in as ${session.user.email}` });
  await note.getByRole('button', { name: 'Close' }).click();
  await note.waitFor({ state: 'detached' });
  await page.reload();
  await page.getByText('live', { exact: true }).first().waitFor();
  t.is(await note.count(), 0);
  t.deepEqual(faults, []);
});

test.serial('on a screen that is lower than the form, the log-in stays where it was scrolled to', async (t) => {
  t.timeout(60_000);
  const { page, session, faults } = await openApp(t, { size: { width: 844, height: 390 } });
  await page.fill('input[name=email]', session.user.email);
  await page.fill('input[name=password]', 'not my password');
  const button = page.getByRole('button', { name: 'Log in', exact: true });
  await button.scrollIntoViewIfNeeded();
  const before = await button.boundingBox();
  // A touch on it takes the focus out of the field first.
  await page.evaluate(async () => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    for (let frame = 0; frame < 3; frame++) await new Promise((resolve) => requestAnimationFrame(resolve));
  });
  t.deepEqual(await button.boundingBox(), before);
  t.deepEqual(faults, []);
});
