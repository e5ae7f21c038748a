import type { BrowserContext, Page } from 'playwright-core';
import { openWebApp } from '../../../coordinator/web/build.ts';
import type { Session } from '../../../protocol/accounts.ts';
import type { Api } from '../api.ts';
import { startCuttingProxy, type CuttingProxy } from '../cutting-proxy.ts';
import type { Ends } from '../folder.ts';
import { PASSWORD, startApi, type StartedApi } from '../start-api.ts';
import { openBrowser, type BrowserOptions } from './browser.ts';

export type AppScene = {
  server: StartedApi;
  /** Between the browser and the server. */
  network: CuttingProxy;
  api: Api;
  session: Session;
  context: BrowserContext;
  page: Page;
  /** Errors of the page, and breaches of its policy. */
  faults: string[];
};

/** See `visit`. */
const TRIES_MAX = 3;
const DRAWN_MS = 15_000;

/** A server with an account, and a browser in which nobody is logged in yet, on the app's first page. */
export async function openApp(
  t: Ends,
  options: BrowserOptions = {},
  env: Record<string, string> = {},
): Promise<AppScene> {
  const server = await startApi(t, env, undefined, undefined, await openWebApp());
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const { context, open } = await openBrowser(t, options);
  const { page, faults } = await open();
  await visit(page, network.url);
  return { server, network, api, session, context, page, faults };
}

/** The same, logged in. */
export async function openAppLoggedIn(
  t: Ends,
  options: BrowserOptions = {},
  env: Record<string, string> = {},
): Promise<AppScene> {
  const scene = await openApp(t, options, env);
  await logIn(scene);
  return scene;
}

/** Logs in, on the first page. Rejects with what the app shows in place of the list. */
export async function logIn({ page, session }: Pick<AppScene, 'page' | 'session'>): Promise<void> {
  const live = page.getByText('live', { exact: true }).first();
  const fault = page.locator('.access .fault:not(:empty)').first();
  await page.fill('input[name=email]', session.user.email);
  await page.fill('input[name=password]', PASSWORD);
  for (let tries = 1; ; tries++) {
    await page.click('button[type=submit]');
    await live.or(fault).first().waitFor();
    if (!(await fault.isVisible())) return live.waitFor();
    if (tries === TRIES_MAX) throw new Error(`The app does not log in: ${await fault.innerText()}`);
  }
}

/**
 * Opens an address. Chromium drops what it has asked for whenever an interface of the machine comes or goes, as with a
 * container of another test: then it is opened anew.
 */
async function visit(page: Page, url: string): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      await page.goto(url);
      return await page.locator('#app > *').first().waitFor({ timeout: DRAWN_MS });
    } catch (error) {
      if (tries === TRIES_MAX) throw error;
    }
}
