import test from 'ava';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { openApp } from '../../support/web/app-scene.ts';
import { DESK, PHONE } from '../../support/web/browser.ts';
import { fillGallery } from '../../support/web/gallery.ts';
import { PASSWORD } from '../../support/start-api.ts';

type Finding = { id: string; nodes: { target: unknown; failureSummary?: string }[] };

/** What axe finds on a page, in words. */
async function findings(page: Page): Promise<string[]> {
  // Transitions would be measured half way.
  await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== 'running'));
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: () => Promise<{ violations: Finding[] }> } };
    return (await axe.run()).violations;
  });
  return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${String(node.target)} ${node.failureSummary}`));
}

type Check = (path: string, ready: string, touch?: string) => Promise<void>;

/** The screens that need nothing more than a project. */
async function checkRest(check: Check, project_id: string): Promise<void> {
  await check('/settings', '.devices li');
  await check('/settings/accounts', '.accounts');
  await check('/settings/notifications', '.notifications .devices li');
  await check('/settings', '.devices li', '.choice:has-text("Add a phone")');
  await check('/settings/projects', '.places li');
  await check(`/settings/projects/${project_id}`, 'form');
  await check('/settings/projects/new', 'form');
  await check('/signed-in', '.access .primary');
}

for (const [name, size, dark] of [
  ['phone, light', PHONE, false],
  ['phone, dark', PHONE, true],
  ['desk, light', DESK, false],
  ['desk, dark', DESK, true],
] as const)
  test.serial(`axe finds nothing on any screen: ${name}`, async (t) => {
    t.timeout(120_000);
    const { server, network, api, session, page, context } = await openApp(
      t,
      { size, dark },
      { ERRAND_PRIVATE_HOSTS: '127.0.0.1' },
    );
    await context.addInitScript({ content: axe.source });
    const { asks, works, tests, broke } = await fillGallery(server, api);
    const body = { name: 'bills', repo_url: 'https://git.example.org/you/bills' };
    const { id } = await api.call('createProject', { body });
    await api.call('createChannel', { body: { kind: 'webhook', name: 'CI', url: 'https://127.0.0.1:9/hook' } });
    const all: string[] = [];
    const check: Check = async (path, ready, touch) => {
      await page.goto(network.url + path);
      await page.locator(ready).first().waitFor();
      if (touch !== undefined) await page.locator(touch).first().click();
      all.push(...(await findings(page)).map((finding) => `${path} ${finding}`));
    };
    await check('/', 'form');
    await check('/?by=link#login=none', '.access .primary');
    await page.getByRole('button', { name: 'Log in with a password' }).click();
    await page.fill('input[name=email]', session.user.email);
    await page.fill('input[name=password]', PASSWORD);
    await page.click('button[type=submit]');
    await page.locator('.task').first().waitFor();
    await check('/', '.task', '.icon-button');
    await check(`/errands/${works.id}`, '.talk .said', '.call:has-text("npm test")');
    await check(`/errands/${asks.id}`, '.decision', '.errand .icon-button');
    await check(`/errands/${asks.id}/decision`, '.decision');
    await api.call('openPull', { params: { id: tests.id }, body: {} });
    await check(`/errands/${tests.id}`, '.pull-card', '.errand .icon-button');
    await check('/', '.task', '.row-more');
    await api.call('patchTask', { params: { id: broke.id }, body: { archived: true } });
    await check('/archived', '.task');
    await check(`/errands/${tests.id}/changes`, '.diff', '.line-of.added');
    const timing = { cron: '0 3 * * *', time_zone: 'Europe/Berlin' };
    const nightly = { name: 'Nightly', prompt: 'Update it', project_id: id, ...timing };
    const schedule = await api.call('createSchedule', { body: nightly });
    await api.call('runSchedule', { params: { id: schedule.id } });
    await check('/settings/schedules', '.schedules .link-row');
    await check(`/settings/schedules/${schedule.id}`, '.next-times li');
    await api.call('patchSchedule', { params: { id: schedule.id }, body: { enabled: false } });
    await check(`/settings/schedules/${schedule.id}`, '.choice.main');
    await check('/settings/schedules/new', '.next-times li', '.timing .option:last-child');
    await check('/new', '.prompt');
    await check('/new', '.prompt', '.option');
    await server.person('member@example.org');
    await api.call('createInvite', { body: {} });
    await check('/settings/server', '.plot', '.owner summary');
    await check('/settings/server', '.devices li:nth-child(2)', '.devices .quiet');
    await checkRest(check, id);
    t.deepEqual(all, []);
  });
