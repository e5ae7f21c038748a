import test from 'ava';
import type { Page } from 'playwright-core';
import { sendErrand } from '../../support/send-errand.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const HEBREW = 'עיגול חצי אגורה';
const PROJECT = 'חשבונות';

const DIFF = `diff --git a/a.ts b/a.ts
index 1111111..2222222 100644
--- a/a.ts
+++ b/a.ts
@@ -1,1 +1,2 @@
 const a = 1;
+const b = '${HEBREW}';
`;

/** The texts in Hebrew whose direction is that of the page, and not their own. Code reads from left to right. */
function undirected(page: Page): Promise<{ seen: number; faults: string[] }> {
  return page.evaluate(() => {
    let seen = 0;
    const faults: string[] = [];
    const walker = document.createTreeWalker(document.querySelector('#app') ?? document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (!parent || !/[\u0590-\u05ff]/.test(node.nodeValue ?? '') || parent.closest('option, .hidden')) continue;
      seen++;
      if (!hasOwnDirection(parent)) faults.push(`${parent.tagName}.${parent.className}: ${node.nodeValue}`);
    }
    for (const field of document.querySelectorAll<HTMLInputElement>('#app input, #app textarea'))
      if (/[\u0590-\u05ff]/.test(field.value)) {
        seen++;
        if (!hasOwnDirection(field)) faults.push(`${field.tagName}.${field.className} ${field.name}`);
      }
    return { seen, faults };

    function hasOwnDirection(element: Element | null): boolean {
      const own = element?.closest('[dir], bdi, input, textarea, pre');
      if (!own) return false;
      return own.matches('[dir=auto], bdi, code[dir=ltr]') || getComputedStyle(own).unicodeBidi === 'plaintext';
    }
  });
}

test.serial('what people and the agent write reads in its own direction, on every screen', async (t) => {
  t.timeout(120_000);
  const env = { ERRAND_PRIVATE_HOSTS: '127.0.0.1' };
  const { server, api, network, page } = await openAppLoggedIn(t, {}, env);
  const project = await api.call('createProject', {
    body: { name: PROJECT, repo_url: 'https://git.example.org/you/bills' },
  });
  await api.call('createChannel', { body: { kind: 'webhook', name: HEBREW, url: 'https://127.0.0.1:9/hook' } });
  const timing = { cron: '0 3 * * *', time_zone: 'Europe/Berlin' };
  const schedule = await api.call('createSchedule', {
    body: { name: HEBREW, prompt: HEBREW, project_id: project.id, ...timing },
  });
  const task = await api.call('createTask', { body: { prompt: HEBREW, project_id: project.id } });
  const errand = new LivelyErrand(server, task);
  errand.begin();
  errand.plan([HEBREW, 'in_progress']);
  errand.say(`${HEBREW}\n\n- ${HEBREW}\n\n| ${HEBREW} |\n|-|\n| ${HEBREW} |\n\n> ${HEBREW}`);
  errand.tool('run_command', { command: `echo ${HEBREW}` }, HEBREW, { exit_code: 0 });
  await api.call('createMessage', { params: { id: errand.id }, body: { text: HEBREW } });
  const asks = new LivelyErrand(server, await sendErrand(api, { prompt: HEBREW }));
  asks.begin();
  asks.ask(`${HEBREW}?\n${HEBREW}`, [HEBREW, PROJECT]);
  const ended = new LivelyErrand(server, await sendErrand(api, { prompt: HEBREW }));
  ended.begin();
  ended.succeed({ summary: HEBREW, diff_stat: { files: 1, insertions: 1, deletions: 0 } }, DIFF);
  const all: string[] = [];
  for (const [path, ready, touch] of [
    ['/', '.task >> nth=2', '.row-more'],
    [`/errands/${errand.id}`, '.talk .said', '.call'],
    [`/errands/${errand.id}`, '.talk .said', '.errand header .icon-button'],
    [`/errands/${asks.id}`, '.decision', undefined],
    [`/errands/${asks.id}/decision`, '.decision', undefined],
    [`/errands/${ended.id}`, '.talk', undefined],
    [`/errands/${ended.id}/changes`, '.diff', undefined],
    [`/new?text=${HEBREW}`, '.prompt', '.option'],
    ['/settings/projects', '.places li', undefined],
    [`/settings/projects/${project.id}`, 'form', undefined],
    ['/settings/schedules', '.schedules .link-row', undefined],
    [`/settings/schedules/${schedule.id}`, '.next-times li', undefined],
    ['/settings/notifications', '.notifications .devices li', undefined],
  ] as const) {
    await page.goto(network.url + path);
    await page.locator(ready).first().waitFor();
    if (touch !== undefined) await page.locator(touch).first().click();
    const { seen, faults } = await undirected(page);
    if (seen === 0) faults.push('shows none of them');
    all.push(...faults.map((fault) => `${path}: ${fault}`));
  }
  t.deepEqual(all, []);
});

test.serial('each block of a message reads in its own direction, whatever the first one is in', async (t) => {
  t.timeout(60_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  const table = '| one | two |\n| --- | --- |\n| 1 | 2 |';
  errand.say(`${HEBREW}\n\nIn English\n\n- ${HEBREW}\n\n- one\n\n${table}`);
  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.locator('.said table').waitFor();
  const directions = await page
    .locator('.said .prose > *')
    .evaluateAll((blocks) => blocks.map((block) => `${block.tagName} ${getComputedStyle(block).direction}`));
  t.deepEqual(directions, ['P rtl', 'P ltr', 'UL rtl', 'DIV ltr']);
  t.deepEqual(faults, []);
});
