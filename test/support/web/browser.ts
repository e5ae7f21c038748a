import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { temporaryFolder, type Ends } from '../folder.ts';
import { WITHIN_MS } from '../until.ts';

export const PHONE = { width: 390, height: 844 };
export const DESK = { width: 1280, height: 800 };

/** The sizes at which people use the app. */
export const SIZES = [
  ['phone', PHONE],
  ['desk', DESK],
] as const;

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const CHROMIUM = '/usr/bin/chromium';
/** Chromium without a browser's windows, menus and notifications: it takes half the CPU time. */
const SHELL = '/usr/bin/chromium-headless-shell';

export type BrowserOptions = {
  size?: typeof PHONE;
  dark?: boolean;
  locale?: string;
  /** With notifications. */
  whole?: boolean;
  /** The folder of a profile, which a browser after this one may go on with; by default one of its own. */
  profile?: string;
  /** A home folder, with the authorities that the browser trusts, and a host that is this machine. */
  home?: string;
  host?: string;
};

/** What a page must never do: throw, log an error, or break its policy. */
export type Watched = { page: Page; faults: string[] };

/** Opens a browser with an empty profile, until the test ends. Requests that fail without a network are no fault. */
export async function openBrowser(
  t: Ends,
  { size = PHONE, dark = false, locale = 'en-US', ...own }: BrowserOptions = {},
): Promise<{ context: BrowserContext; open: () => Promise<Watched> }> {
  const screen: BrowserContextOptions = {
    viewport: size,
    colorScheme: dark ? 'dark' : 'light',
    locale,
    deviceScaleFactor: 2,
    hasTouch: size === PHONE,
    isMobile: size === PHONE,
  };
  const context =
    Object.keys(own).length === 0 ? await (await shareBrowser(t)).newContext(screen) : await startOwn(t, own, screen);
  context.setDefaultTimeout(WITHIN_MS);
  t.teardown(() => context.close());
  const open = async (): Promise<Watched> => {
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/net::ERR_|WebSocket connection|status of 4/.test(message.text()))
        faults.push(message.text());
    });
    return { page, faults };
  };
  return { context, open };
}

let shared: { browser: Promise<Browser>; users: number } | undefined;

/** Chromium for all tests of a process that run now, each with a profile in memory: a third of the CPU time. */
function shareBrowser(t: Ends): Promise<Browser> {
  shared ??= { browser: chromium.launch({ executablePath: chromiumPath(false), args: FLAGS }), users: 0 };
  const used = shared;
  used.users++;
  t.teardown(async () => {
    if (--used.users > 0) return;
    shared = undefined;
    await (await used.browser).close();
  });
  return used.browser;
}

/** Starts a Chromium with a profile on disk. */
async function startOwn(
  t: Ends,
  { whole = false, profile, home, host }: Omit<BrowserOptions, 'size' | 'dark' | 'locale'>,
  screen: BrowserContextOptions,
): Promise<BrowserContext> {
  const folder = profile ?? (await temporaryFolder(t));
  return chromium.launchPersistentContext(join(folder, 'profile'), {
    executablePath: chromiumPath(whole),
    args: [...FLAGS, ...(host === undefined ? [] : [`--host-resolver-rules=MAP ${host} 127.0.0.1`])],
    ...(home !== undefined && { env: { ...process.env, HOME: home } }),
    ...screen,
  });
}

function chromiumPath(whole: boolean): string {
  const path = [...(whole ? [] : [SHELL]), CHROMIUM].find(existsSync);
  if (path === undefined)
    throw new Error(
      'These tests run the app in Chromium. Debian has it: apt-get install chromium chromium-headless-shell',
    );
  return path;
}
