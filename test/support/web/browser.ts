import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { temporaryFolder, type Ends } from '../folder.ts';

export const PHONE = { width: 390, height: 844 };
export const DESK = { width: 1280, height: 800 };

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export type BrowserOptions = { size?: typeof PHONE; dark?: boolean; locale?: string };

/** What a page must never do: throw, log an error, or break its policy. */
export type Watched = { page: Page; faults: string[] };

/** Starts Chromium with an empty profile, until the test ends. Requests that fail without a network are no fault. */
export async function openBrowser(
  t: Ends,
  { size = PHONE, dark = false, locale = 'en-US' }: BrowserOptions = {},
): Promise<{ context: BrowserContext; open: () => Promise<Watched> }> {
  const folder = await temporaryFolder(t);
  const context = await chromium.launchPersistentContext(join(folder, 'profile'), {
    executablePath: '/usr/bin/chromium',
    args: FLAGS,
    viewport: size,
    colorScheme: dark ? 'dark' : 'light',
    locale,
    deviceScaleFactor: 2,
    hasTouch: size === PHONE,
    isMobile: size === PHONE,
  });
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
