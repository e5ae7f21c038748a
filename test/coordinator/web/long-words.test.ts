import { join } from 'node:path';
import test from 'ava';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { SIZES } from '../../support/web/browser.ts';
import { SCREENS_ENV } from '../../support/web/every-screen.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';
import { misfits } from './misfits.ts';

const SHOTS = process.env['ERRAND_TEST_SHOTS'];

/** A word that no line has room for. */
const word = (name: string, length: number) => `${name}_`.padEnd(length, 'abcdefghij_');
const PATH = `${word('folder', 90)}/${word('file', 90)}.ts`;
const DIFF = `diff --git a/${PATH} b/${PATH}
index 1111111..2222222 100644
--- a/${PATH}
+++ b/${PATH}
@@ -0,0 +1,1 @@
+${word('code', 300)}
`;

function work(errand: LivelyErrand): void {
  errand.begin();
  errand.plan([word('plan', 120), 'in_progress']);
  errand.say(`${word('said', 300)}\n\n- ${word('item', 200)}\n\n> ${word('quote', 200)}\n\n# ${word('head', 200)}`);
  errand.say(`| ${word('cell', 90)} | b |\n| - | - |\n| c | ${word('d', 90)} |\n\n\`${word('code', 200)}\``);
  errand.tool('run_command', { command: word('command', 300) }, word('output', 400), { exit_code: 1 });
  errand.tool('read_file', { path: PATH }, '1');
  errand.tool(word('tool', 60), { [word('key', 60)]: word('value', 300) }, word('answer', 300));
  errand.waitsFor({ kind: 'command', since: new Date().toISOString(), command: word('command', 300) });
}

for (const [name, size] of SIZES)
  test.serial(`on a ${name}: words that are longer than a line fit each screen`, async (t) => {
    t.timeout(180_000);
    const { server, api, network, page, faults } = await openAppLoggedIn(t, { size }, SCREENS_ENV);
    const body = {
      name: word('project', 100),
      repo_url: `https://${word('host', 50).replaceAll('_', '-')}.example.org/${word('owner', 80)}/${word('name', 80)}`,
      setup_command: word('setup', 200),
      verify_command: word('verify', 200),
      check: false,
    };
    const { id: project_id } = await api.call('createProject', { body });
    const place = { project_id, base_branch: word('base', 90) };
    const send = async (what: string) =>
      new LivelyErrand(server, await api.call('createTask', { body: { prompt: word(what, 300), ...place } }));
    const works = await send('works');
    work(works);
    const asks = await send('asks');
    asks.begin();
    asks.ask(`${word('question', 300)}\n${word('more', 300)}`, [word('one', 200), word('two', 200)]);
    const done = await send('done');
    done.begin();
    const branch = `errand/${done.id}-${word('branch', 120)}`;
    done.succeed({ summary: word('summary', 300), branch, diff_stat: { files: 1, insertions: 1, deletions: 0 } }, DIFF);
    const timing = { cron: '0 3 * * *', time_zone: 'America/Argentina/ComodRivadavia' };
    const plan = { name: word('schedule', 100), prompt: word('prompt', 300), project_id, ...timing };
    const { id } = await api.call('createSchedule', { body: plan });
    const channel = { kind: 'webhook', name: word('channel', 100), url: 'https://127.0.0.1:9/hook' } as const;
    await api.call('createChannel', { body: channel });
    await server.person(`${'b'.repeat(60)}@${'c'.repeat(60)}.example.org`);

    const all: string[] = [];
    const look = async (path: string, ready: string, touch?: string): Promise<void> => {
      await page.goto(network.url + path);
      await page.locator(ready).first().waitFor();
      if (touch !== undefined) await page.locator(touch).first().click();
      await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== 'running'));
      all.push(...(await misfits(page)).map((misfit) => `${path}: ${misfit}`));
      if (SHOTS !== undefined)
        await page.screenshot({ path: join(SHOTS, `long-${name}${path.replaceAll(/\W/g, '-')}.png`) });
    };
    await look('/', '.decision', '.row-more');
    await look(`/errands/${works.id}`, '.call', '.call');
    await look(`/errands/${works.id}`, '.call', '.errand .icon-button');
    await look(`/errands/${asks.id}/decision`, '.decision');
    await look(`/errands/${done.id}`, '.result', '.errand .icon-button');
    await look(`/errands/${done.id}/changes`, '.line-of', '.line-of');
    await look(`/new?project=${project_id}`, '.prompt', '.option');
    await look('/settings/projects', '.places li');
    await look(`/settings/projects/${project_id}`, 'form');
    await look('/settings/schedules', '.places li');
    await look(`/settings/schedules/${id}`, '.next-times li');
    await look(`/settings/schedules/${id}`, '.next-times li', '.chips .option:nth-child(2)');
    await look('/settings/notifications', '.devices li');
    await look('/settings/server', '.devices li:nth-child(2)', '.devices .quiet');
    t.deepEqual(all, []);
    t.deepEqual(faults, []);
  });
