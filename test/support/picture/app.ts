import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import type { Ends } from '../folder.ts';
import { PASSWORD } from '../start-api.ts';
import { openApp, type AppScene } from '../web/app-scene.ts';
import { DESK, PHONE } from '../web/browser.ts';
import { fillGallery, type Gallery } from '../web/gallery.ts';

/*
 * Takes the README's pictures of the app, from the real app in Chromium on a server with errands in each state.
 * `--all FOLDER` takes every screen instead, at both sizes, light and dark, for those who want to look at them, and
 * `--language de` in German.
 */

const README = fileURLToPath(new URL('../../../.github', import.meta.url));

type Shot = {
  name: string;
  path: (gallery: Gallery) => string;
  /** What must be there before the picture is taken. */
  ready: string;
  /** What is done first. */
  act?: (page: Page) => Promise<unknown>;
};

const SHOTS: Shot[] = [
  { name: 'inbox', path: () => '/', ready: '.body:has(.card) .rows:last-of-type .task:nth-child(3)' },
  { name: 'question', path: ({ asks }) => `/errands/${asks.id}`, ready: '.talk .prose:not(.decision *)' },
  { name: 'errand', path: ({ works }) => `/errands/${works.id}`, ready: '.talk .code-keyword, .talk pre.code' },
  { name: 'result', path: ({ tests }) => `/errands/${tests.id}`, ready: '.result' },
  {
    name: 'changes',
    path: ({ tests }) => `/errands/${tests.id}/changes`,
    ready: '.diff .code-keyword',
    act: async (page) => {
      await page.locator('.line-of.added').nth(1).click();
      await page.locator('.note-on-line textarea').fill('Say why, not what.');
    },
  },
  {
    name: 'new',
    path: () => '/new',
    ready: '.prompt',
    act: (page) => page.locator('.prompt').fill('The nightly job takes 40 minutes. Find out why, and make it faster.'),
  },
  { name: 'settings', path: () => '/settings', ready: '.devices li' },
  { name: 'notifications', path: () => '/settings/notifications', ready: '.notifications' },
  { name: 'server', path: () => '/settings/server', ready: '.plot' },
  { name: 'decision', path: ({ asks }) => `/errands/${asks.id}/decision`, ready: '.decision' },
  { name: 'accounts', path: () => '/settings/accounts', ready: '.body' },
  { name: 'schedules', path: () => '/settings/schedules', ready: '.schedules .link-row' },
  {
    name: 'schedule',
    path: () => '/settings/schedules',
    ready: '.schedules .link-row',
    act: async (page) => {
      await page.locator('.schedules .link-row').first().click();
      await page.locator('.next-times li').first().waitFor();
    },
  },
  { name: 'new-schedule', path: () => '/settings/schedules/new', ready: '.next-times li' },
  {
    name: 'swiped',
    path: () => '/',
    ready: '.task .row-more',
    act: async (page) => {
      await page.locator('.task .row-more').last().click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'project',
    path: () => '/settings/projects',
    ready: '.places li',
    act: async (page) => {
      await page.locator('.places li a').first().click();
      await page.locator('form:not(.answer)').waitFor();
    },
  },
  { name: 'projects', path: () => '/settings/projects', ready: '.places li' },
  { name: 'keys', path: () => '/', ready: '.task', act: (page) => page.keyboard.press('?') },
];

/** The pictures of the README: which screen, how wide, and whether dark. */
const IN_README = [
  ['inbox', 'phone', 'light'],
  ['question', 'phone', 'light'],
  ['errand', 'phone', 'light'],
  ['changes', 'phone', 'light'],
  ['new', 'phone', 'dark'],
  ['changes', 'desk', 'dark'],
] as const;

/** Forges to sign in with. */
const FORGES = {
  ERRAND_PRIVATE_HOSTS: '127.0.0.1',
  ERRAND_GITHUB_CLIENT_ID: 'Iv1.abc',
  ERRAND_GITHUB_CLIENT_SECRET: 'secret',
  ERRAND_GITEA_ORIGIN: 'https://git.example.org',
  ERRAND_GITEA_CLIENT_ID: 'abc',
  ERRAND_GITEA_CLIENT_SECRET: 'secret',
};

const SIZES = { phone: PHONE, desk: DESK };
type Look = { size: keyof typeof SIZES; theme: 'light' | 'dark' };
const LOOKS: Look[] = [
  { size: 'phone', theme: 'light' },
  { size: 'phone', theme: 'dark' },
  { size: 'desk', theme: 'light' },
  { size: 'desk', theme: 'dark' },
];

const { all, language } = parseArgs({
  options: { all: { type: 'string' }, language: { type: 'string', default: 'en-US' } },
}).values;
const folder = all ?? README;
await mkdir(folder, { recursive: true });
for (const look of LOOKS) {
  const wanted = SHOTS.filter(({ name }) => all !== undefined || isInReadme(name, look));
  if (wanted.length > 0) await take(look, wanted);
}

function isInReadme(name: string, { size, theme }: Look): boolean {
  return IN_README.some((each) => each[0] === name && each[1] === size && each[2] === theme);
}

/** Takes pictures of one look, on a server of its own. */
async function take({ size, theme }: Look, shots: Shot[]): Promise<void> {
  const ends: (() => unknown)[] = [];
  const t: Ends = { teardown: (end) => void ends.unshift(end) };
  try {
    const options = { size: SIZES[size], dark: theme === 'dark', locale: language };
    const scene = await openApp(t, options, all === undefined ? {} : FORGES);
    if (all !== undefined) await snapSignIn(scene, join(all, `app-sign-in-${size}-${theme}.png`));
    const gallery = await fillGallery(scene.server, scene.api);
    await fillSettings(scene);
    await logIn(scene);
    const end = all === undefined && size === 'phone' ? '' : `-${size}`;
    const dark = all === undefined ? '' : `-${theme}`;
    for (const shot of shots) await snap(scene, gallery, shot, join(folder, `app-${shot.name}${end}${dark}.png`));
  } finally {
    for (const end of ends) await end();
  }
}

async function logIn({ page, session }: AppScene): Promise<void> {
  await page.fill('input[name=email]', session.user.email);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.locator('.inbox').waitFor();
}

/** A project, schedules and a channel of notifications. */
async function fillSettings({ api }: AppScene): Promise<void> {
  const { id: project_id } = await api.call('createProject', {
    body: { name: 'bills', repo_url: 'https://github.com/you/bills' },
  });
  if (all === undefined) return;
  const nightly = { cron: '0 3 * * *', time_zone: 'Europe/Berlin' };
  const made = await api.call('createSchedule', {
    body: { name: 'Update the dependencies', prompt: 'Update the dependencies', project_id, ...nightly },
  });
  await api.call('patchSchedule', { params: { id: made.id }, body: { enabled: false } });
  const weekly = { cron: '30 9 * * 5', time_zone: 'America/New_York', repo_url: 'https://github.com/you/shop-api' };
  await api.call('createSchedule', { body: { name: 'Triage', prompt: 'Sort the new issues', ...weekly } });
  await api.call('createChannel', { body: { kind: 'webhook', name: 'CI', url: 'https://127.0.0.1:9/hook' } });
}

async function snap({ network, page }: AppScene, gallery: Gallery, shot: Shot, file: string): Promise<void> {
  await page.goto(network.url + shot.path(gallery));
  await page.locator('.live:not(.off)').first().or(page.locator('.prompt')).first().waitFor();
  await page.locator(shot.ready).first().waitFor();
  await shot.act?.(page);
  await save(page, file);
}

async function snapSignIn({ page }: AppScene, file: string): Promise<void> {
  await page.locator('.ways').waitFor();
  await save(page, file);
}

async function save(page: Page, file: string): Promise<void> {
  await page.screenshot({ path: file, animations: 'disabled' });
  console.log(`${file} was written.`);
}
