import { join } from 'node:path';
import test from 'ava';
import type { Page } from 'playwright-core';
import { speak } from '../../../coordinator/web/strings/strings.ts';
import { openApp } from '../../support/web/app-scene.ts';
import { SCREENS_ENV, visitScreens } from '../../support/web/every-screen.ts';
import { misfits } from './misfits.ts';

const SHOTS = process.env['ERRAND_TEST_SHOTS'];

/**
 * What is so small on a screen that a finger misses it, in words. The rows of logs are as dense as text, and lines of
 * code nearly.
 */
function smallTargets(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('a[href], button, summary, select, textarea, input')]
      .filter((target) => !target.matches('.call, .gap, .chip, [type=checkbox], .hidden, .hidden *'))
      .map((target) => ({ target, box: target.getBoundingClientRect() }))
      .filter(
        ({ target, box }) =>
          box.width > 0 && Math.min(box.width, box.height) < (target.matches('.line-of') ? 24 : 43.5),
      )
      .map(({ target, box }) => `${target.outerHTML.slice(0, 80)} has ${box.width} × ${box.height} pixels`),
  );
}

test.serial(
  'with text at 200 %, and from right to left, each screen fits: nothing scrolls sideways or is cut, or too small to touch',
  async (t) => {
    t.timeout(180_000);
    const scene = await openApp(t, {}, SCREENS_ENV);
    const { page } = scene;
    const all: string[] = [];
    let shots = 0;
    const look = async (path: string, how: string): Promise<void> => {
      await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== 'running'));
      all.push(...(await misfits(page)).map((misfit) => `${path}, ${how}: ${misfit}`));
      if (SHOTS !== undefined)
        await page.screenshot({ path: join(SHOTS, `${how}-${path.replaceAll(/\W/g, '-')}-${++shots}.png`) });
    };
    const set = (size: string, dir: string) =>
      page.evaluate(
        ([size = '', dir = '']) => {
          document.documentElement.style.fontSize = size;
          document.documentElement.dir = dir;
        },
        [size, dir],
      );
    // Before anything is measured by the app, as in a browser that is set so.
    await scene.context.addInitScript(() => {
      // The script runs before there is an element.
      new MutationObserver((_, observer) => {
        document.documentElement.style.fontSize = '200%';
        observer.disconnect();
      }).observe(document, { childList: true });
    });
    await visitScreens(scene, async (path) => {
      t.is(await page.evaluate(() => getComputedStyle(document.documentElement).fontSize), '32px', path);
      await look(path, 'at 200 %');
      await set('100%', 'ltr');
      await look(path, 'as it is');
      all.push(...(await smallTargets(page)).map((small) => `${path}: ${small}`));
      await set('100%', 'rtl');
      await look(path, 'mirrored');
    });
    t.deepEqual(all, []);
  },
);

const NOON = Date.parse('2026-11-28T12:34:00Z');

test.serial('in German, with large changes and a server that is long away, each screen fits', async (t) => {
  t.timeout(180_000);
  const locale = 'de-DE';
  const scene = await openApp(t, { locale }, SCREENS_ENV);
  const { page } = scene;
  const words = await speak(locale);
  const away = words.t.live.server_away(words.format.clock(NOON));
  const all: string[] = [];
  let shots = 0;
  await visitScreens(
    scene,
    async (path) => {
      await page.evaluate(
        (longest) => {
          for (const [selector, text] of Object.entries(longest))
            for (const element of document.querySelectorAll(selector)) element.textContent = text;
        },
        { '.live': away, 'header .stat ins': '+1234', 'header .stat del': '−5678' },
      );
      all.push(...(await misfits(page)).map((misfit) => `${path}: ${misfit}`));
      if (SHOTS !== undefined)
        await page.screenshot({ path: join(SHOTS, `de${path.replaceAll(/\W/g, '-')}-${++shots}.png`) });
    },
    locale,
  );
  t.deepEqual(all, []);
});
