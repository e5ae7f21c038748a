import test from 'ava';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { startGitHub } from '../../support/forge/github/stand-in.ts';
import { openApp } from '../../support/web/app-scene.ts';
import { DESK, PHONE } from '../../support/web/browser.ts';
import { SCREENS_ENV, visitScreens } from '../../support/web/every-screen.ts';

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

for (const [name, size, dark] of [
  ['phone, light', PHONE, false],
  ['phone, dark', PHONE, true],
  ['desk, light', DESK, false],
  ['desk, dark', DESK, true],
] as const)
  test.serial(`axe finds nothing on any screen: ${name}`, async (t) => {
    t.timeout(120_000);
    const scene = await openApp(t, { size, dark }, SCREENS_ENV);
    await scene.context.addInitScript({ content: axe.source });
    const all: string[] = [];
    await visitScreens(scene, async (path) => {
      all.push(...(await findings(scene.page)).map((finding) => `${path} ${finding}`));
    });
    t.deepEqual(all, []);
  });

for (const dark of [false, true])
  test.serial(`axe finds nothing where one can also sign in with a forge: ${dark ? 'dark' : 'light'}`, async (t) => {
    t.timeout(120_000);
    const github = await startGitHub(t);
    const env = {
      ERRAND_GITHUB_ORIGIN: github.origin,
      ERRAND_GITHUB_CLIENT_ID: 'client',
      ERRAND_GITHUB_CLIENT_SECRET: 'secret',
      ERRAND_PRIVATE_HOSTS: github.host,
    };
    const { page, context, network } = await openApp(t, { dark }, env);
    await context.addInitScript({ content: axe.source });
    for (const touch of [undefined, 'No account yet? Create one']) {
      await page.goto(network.url);
      await page.locator('.ways .way').first().waitFor();
      if (touch !== undefined) await page.getByRole('button', { name: touch }).click();
      t.deepEqual(await findings(page), []);
    }
  });
