import type { Page } from 'playwright-core';
import type { Strings } from '../../../coordinator/web/strings/en.ts';
import { speak } from '../../../coordinator/web/strings/strings.ts';
import { PASSWORD } from '../start-api.ts';
import type { AppScene } from './app-scene.ts';
import { fillGallery } from './gallery.ts';

/** What a server needs for `visitScreens`. */
export const SCREENS_ENV = { ERRAND_PRIVATE_HOSTS: '127.0.0.1' };

/** Opens a screen, and touches something in it. */
type Visit = (path: string, ready: string, touch?: string) => Promise<void>;

/**
 * Shows each screen of the app with something on it, from the log-in on, and calls `look` there with its path.
 * `locale`: the one of the browser.
 */
export async function visitScreens(
  scene: AppScene,
  look: (path: string) => Promise<void>,
  locale = 'en-US',
): Promise<void> {
  const { server, api, network, page, session } = scene;
  const { t } = await speak(locale);
  const { asks, works, tests, broke } = await fillGallery(server, api);
  const body = { name: 'bills', repo_url: 'https://git.example.org/you/bills' };
  const { id } = await api.call('createProject', { body });
  await api.call('createChannel', { body: { kind: 'webhook', name: 'CI', url: 'https://127.0.0.1:9/hook' } });
  const visit: Visit = async (path, ready, touch) => {
    await page.goto(network.url + path);
    await page.locator(ready).first().waitFor();
    if (touch !== undefined) await page.locator(touch).first().click();
    await look(path);
  };
  await visit('/', 'form');
  await visit('/', 'form', `.access .quiet:has-text("${t.link.have}")`);
  await visit('/?by=link#login=none', '.access .primary');
  await logIn(page, t, session.user.email);
  await visit('/', '.task', '.icon-button');
  await visit(`/errands/${works.id}`, '.talk .said', '.call:has-text("npm test")');
  await visit(`/errands/${asks.id}`, '.decision', '.errand .icon-button');
  await visit(`/errands/${asks.id}/decision`, '.decision');
  await api.call('openPull', { params: { id: tests.id }, body: {} });
  await visit(`/errands/${tests.id}`, '.pull-card', '.errand .icon-button');
  await visit('/', '.task', '.row-more');
  await api.call('patchTask', { params: { id: broke.id }, body: { archived: true } });
  await visit('/archived', '.task');
  await visit(`/errands/${tests.id}/changes`, '.diff', '.line-of.added');
  const timing = { cron: '0 3 * * *', time_zone: 'Europe/Berlin' };
  const nightly = { name: 'Nightly', prompt: 'Update it', project_id: id, ...timing };
  const schedule = await api.call('createSchedule', { body: nightly });
  await api.call('runSchedule', { params: { id: schedule.id } });
  await visit('/settings/schedules', '.schedules .link-row');
  await visit(`/settings/schedules/${schedule.id}`, '.next-times li');
  await api.call('patchSchedule', { params: { id: schedule.id }, body: { enabled: false } });
  await visit(`/settings/schedules/${schedule.id}`, '.choice.main');
  await visit('/settings/schedules/new', '.next-times li', '.timing .option:last-child');
  await visit('/new', '.prompt');
  await visit('/new', '.prompt', '.option');
  await server.person('member@example.org');
  await api.call('createInvite', { body: {} });
  await visit('/settings/server', '.plot', '.owner summary');
  await visit('/settings/server', '.devices li:nth-child(2)', '.devices .quiet');
  await visitRest(visit, t, id);
}

async function logIn(page: Page, t: Strings, email: string): Promise<void> {
  await page.getByRole('button', { name: t.link.with_password }).click();
  await page.fill('input[name=email]', email);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.locator('.task').first().waitFor();
}

/** The screens that need nothing more than a project. */
async function visitRest(visit: Visit, t: Strings, project_id: string): Promise<void> {
  await visit('/settings', '.devices li');
  await visit('/settings', '.devices li', '.devices .quiet');
  await visit('/settings/accounts', '.accounts');
  await visit('/settings/notifications', '.notifications .devices li');
  await visit('/settings', '.devices li', `.choice:has-text("${t.link.add}")`);
  await visit('/settings/projects', '.places li');
  await visit(`/settings/projects/${project_id}`, 'form');
  await visit('/settings/projects/new', 'form');
  await visit('/signed-in', '.access .primary');
}
