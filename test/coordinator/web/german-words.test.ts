import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { AttemptFailure } from '../../../agent-container/base/failure.ts';
import { chooseBaseBranch } from '../../../agent-container/git/checkout.ts';
import { fetchFailure } from '../../../agent-container/git/git-failure.ts';
import { readServers } from '../../../agent-container/mcp/settings.ts';
import { capReached } from '../../../coordinator/tasks/spending-caps.ts';
import { missingImage } from '../../../coordinator/workers/docker/check-image.ts';
import { ImageUnusable } from '../../../coordinator/workers/image-unusable.ts';
import { de } from '../../../coordinator/web/strings/de.ts';
import { de_project_warning } from '../../../coordinator/web/strings/de-project-warning.ts';
import { speakOfScreens } from '../../../coordinator/web/strings/screen-strings.ts';
import { CLOSE } from '../../../protocol/socket.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const URL_OF_NONE = 'https://git.example/none.git';

test('what a worker says of a missing repository or branch is told in German; what it says else is quoted', (t) => {
  const result = { code: 128, timed_out: false, stdout: Buffer.alloc(0), stderr: 'fatal: not found', truncated: false };
  const { reason, message } = fetchFailure(result, null, URL_OF_NONE);
  t.is(reason, 'repository_not_found');
  const refs = { head: 'main', branches: new Map([['main', 'a'.repeat(40)]]), object_format: 'sha1' as const };
  const task = { base_branch: 'nowhere', branch: 'errand/1-work' };
  const { message: missing } = t.throws(() => chooseBaseBranch(refs, task), { instanceOf: AttemptFailure });
  for (const [said, words] of [
    [message, `Kein Repository unter ${URL_OF_NONE}, oder kein Recht, es zu lesen`],
    [missing, 'Das Repository hat keinen Branch nowhere'],
    [`owner/web: ${missing}`, 'owner/web: Das Repository hat keinen Branch nowhere'],
    [
      `git.example asks for a credential to read ${URL_OF_NONE}: give the project a git token, or check the address.`,
      `git.example verlangt ein Token für ${URL_OF_NONE}: Gib dem Projekt eines, oder prüfe die Adresse`,
    ],
    [
      `There is no repository at ${URL_OF_NONE}, or it is private: check the address, or give its project a git token.`,
      `Kein Repository unter ${URL_OF_NONE}, oder es ist privat: Prüfe die Adresse, oder gib seinem Projekt ein Token`,
    ],
    ['It is a tag.', '„It is a tag.“'],
  ] as const)
    t.is(de.missing_repository(said), words);
});

test('what a worker says in fixed words is told in German, whole', async (t) => {
  const { worker_note } = (await speakOfScreens('de-DE')).errand;
  const refused = 'git.example does not allow this credential to push to it. '.repeat(10).trim();
  const why = `The work cannot be pushed to ${URL_OF_NONE} as it is: ${refused} The work goes on, and its diff is kept. Link an account that may write there, or give the project a token; a retry then pushes it.`;
  t.is(
    worker_note(`In /work, the clone of ${URL_OF_NONE}: ${why}`),
    `In /work, the clone of ${URL_OF_NONE}: Die Arbeit lässt sich so nicht nach ${URL_OF_NONE} pushen: „${refused}“ Sie geht weiter, und ihr Diff bleibt. Verknüpfe ein Konto, das dort schreiben darf, oder gib dem Projekt ein Token; ein neuer Versuch pusht sie dann.`,
  );
  t.is(
    worker_note('From now on you have 90 min, 150 turns and $5.00; the check at the end counts too.'),
    'Ab hier bleiben dir 90 min, 150 Runden und 5.00 $.',
  );
  t.is(
    worker_note('The machine has other tools than before. Of the usual tools it has: git, cargo.'),
    'Hier gibt es andere Werkzeuge als zuvor. Von den üblichen: git, cargo.',
  );
  t.is(
    worker_note(new ImageUnusable('rust', missingImage('errand-rust')).message),
    'Das Image „rust“ des Projekts fehlt auf diesem Server: Sein Besitzer muss es bauen, oder du wählst im Projekt ein anderes. Dann versuche es noch einmal.',
  );
  const no_more = 'This server does not offer it any more: choose another one in the project.';
  t.is(
    worker_note(new ImageUnusable('rust', no_more).message),
    'Das Image „rust“ des Projekts wird von diesem Server nicht mehr angeboten: Wähle im Projekt ein anderes, dann versuche es noch einmal.',
  );
  t.is(worker_note('Something else.'), undefined);
  const quoted = `${'x'.repeat(9_000)} A new worker goes on from here, with a new shell.`;
  t.is(worker_note(quoted), undefined, 'it is cut as other words are');
});

test('what is wrong with MCP servers is told in German', async (t) => {
  const { worker_note } = (await speakOfScreens('de-DE')).errand;
  const dir = await temporaryFolder(t);
  const many = Object.fromEntries(
    Array.from({ length: 21 }, (_, i) => [`s${i}`, { url: i === 0 ? 'ws://x' : '${GONE}' }]),
  );
  for (const file of ['{', JSON.stringify({ mcpServers: many })]) {
    await writeFile(join(dir, '.mcp.json'), file);
    const { faults } = await readServers([dir], {});
    for (const fault of faults) t.regex(worker_note(fault) ?? '', /nicht nutzbar: |fehlt\.$/, fault);
  }
  t.is(worker_note('MCP servers with their tools: own (7).'), 'MCP-Server und wie viele Werkzeuge sie haben: own (7).');
  t.is(
    worker_note('The MCP server own could not be started: Connection closed\nIt wrote:\nno key'),
    'Der MCP-Server own ließ sich nicht starten: „Connection closed\nIt wrote:\nno key“',
  );
  t.is(
    worker_note('2 tools of MCP servers are left out, as there are too many, or two of one name: a, b.'),
    '2 Werkzeuge von MCP-Servern fehlen, weil es zu viele sind oder zwei gleich heißen: a, b.',
  );
});

test.serial('an errand that has changed nothing is told in German throughout', async (t) => {
  t.timeout(60_000);
  const { server, api, network, page } = await openAppLoggedIn(t, { size: PHONE, locale: 'de-DE' });
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Why is the lamp red?' }));
  errand.begin();
  const text = 'The verify command did not run: nothing was changed.';
  errand.report({ type: 'log', body: { level: 'info', text } });
  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.getByText('Der Prüfbefehl lief nicht: Es wurde nichts geändert.', { exact: true }).waitFor();
  t.pass();
});

test('the verb agrees with how many actions were not sent', async (t) => {
  const { log_out_unsent } = (await speakOfScreens('de-DE')).settings;
  t.is(log_out_unsent(1), '1 Aktion wurde noch nicht gesendet und geht verloren.');
  t.is(log_out_unsent(2), '2 Aktionen wurden noch nicht gesendet und gehen verloren.');
});

test('what is wrong with a project is told in German; what only a newer server knows is quoted', (t) => {
  const text = 'The whole.';
  for (const [code, params, words] of [
    ['push_needs_token', { repo_url: URL_OF_NONE }, `Errand kann ${URL_OF_NONE} lesen, aber ohne Token nicht pushen`],
    [
      'unknown_forge',
      { forge: 'git.example', heard: 'both' },
      'unter git.example: Von Erwähnungen, Reviews oder Checks',
    ],
    ['no_token_link', { forge: 'git.example', heard: 'mentions' }, 'kein Token für git.example und sieht dort deshalb'],
    [
      'push_restricted',
      { forge: 'git.example', rules: 'update' },
      'beschränkt Pushes auf die Branches der Aufträge (update)',
    ],
    ['other', {}, `„${text}“`],
    ['not_known_yet', {}, `„${text}“`],
  ] as const)
    t.true(de_project_warning({ code, params, text }).includes(words), code);
});

test('a time may have its day in it, so no German sentence says that something is "um" it', async (t) => {
  const s = await speakOfScreens('de-DE');
  const time = '1. Dez., 09:05';
  for (const said of [
    de.waiting.silent_worker(time),
    s.errand.heard_at(time),
    de.errand.answered('ja', '', time),
    de.errand.not_sent('kein Netz', time),
  ])
    t.regex(said, /(: |\()1\. Dez\., 09:05/);
});

test.serial('a project that cannot work says why in the language of the person', async (t) => {
  t.timeout(60_000);
  const { network, page, faults } = await openAppLoggedIn(t, { size: PHONE, locale: 'de-DE' });
  await page.goto(`${network.url}/settings/projects/new?repo=${encodeURIComponent('https://git.example/ada/shop')}`);
  await page.getByRole('checkbox', { name: /Pull Requests weiterarbeiten/ }).check();
  await page.getByRole('button', { name: 'Speichern' }).click();
  await page.getByText('Dieser Server kennt keine Forge unter git.example: Von Reviews oder Checks dort').waitFor();
  t.deepEqual(faults, []);
});

test.serial('why a window is not connected is told in the language of the person', async (t) => {
  t.timeout(60_000);
  const { network, page } = await openAppLoggedIn(t, { locale: 'de-DE' });
  await page.routeWebSocket(/\/ws\//, (socket) => void socket.close({ code: CLOSE.too_many }));
  await page.goto(network.url);
  await page.locator('.live', { hasText: 'nicht verbunden: Dein Konto hat zu viele offene Verbindungen' }).waitFor();
  t.pass();
});

test.serial('a limit of the month that is reached is told as one, with the sum and the day that it ends', async (t) => {
  t.timeout(60_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t, { size: PHONE, locale: 'de-DE' });
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Mend the lamp' }));
  errand.begin();
  const cap = {
    cap_usd: 0.3,
    cost_usd: 0.3,
    open_usd: 0,
    refusal: 'Your errands may cost $0.3 a month on this server',
  };
  const { message: detail } = capReached(cap, Date.UTC(2026, 11, 1));
  errand.fail('spending_cap', { detail, retry_at: new Date(Date.now() + 30 * 24 * 3_600_000).toISOString() });
  await page.goto(`${network.url}/errands/${errand.id}`);
  const ended = page.getByText(
    'Deine Aufträge dürfen hier 0,30 $ im Monat kosten. Der nächste Monat beginnt am 1. Jan',
  );
  await ended.waitFor();
  t.regex((await ended.textContent()) ?? '', /^Fehlgeschlagen\. Das Monatslimit ist erreicht\. /);
  t.deepEqual(faults, []);
});
