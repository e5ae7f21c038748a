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
  await page.goto(network.url);
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

/** Logs in, on the first page. */
export async function logIn({ page, session }: Pick<AppScene, 'page' | 'session'>): Promise<void> {
  await page.fill('input[name=email]', session.user.email);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.getByText('live', { exact: true }).first().waitFor();
}
