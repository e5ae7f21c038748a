import type { CDPSession, Page } from 'playwright-core';
import type { WorkerEvent } from '../../protocol/events.ts';
import type { Ends } from '../support/folder.ts';
import { time } from '../support/dispatching.ts';
import { addErrands } from '../support/many-errands.ts';
import { sendErrand } from '../support/send-errand.ts';
import { PASSWORD } from '../support/start-api.ts';
import { until } from '../support/until.ts';
import { openApp, openAppLoggedIn, type AppScene } from '../support/web/app-scene.ts';
import { LivelyErrand } from '../support/web/lively-errand.ts';
import { median, ms, type Row } from './measure.ts';

const OPENS = 5;
const ERRANDS = 10_000;
const TURNS = 2_500;
const STREAM_S = 20;
const STREAM_PER_S = 200;
/** An hour of that; the bench does not wait between them. */
const HOUR_EVENTS = 3_600 * STREAM_PER_S;
const BURST = 4_000;
const EVENTS_PER_TURN = 4;
const EDGE_FRAMES = 60;

/** (f) The app in Chromium at the size of a phone, from the real server over loopback. */
export async function benchApp(): Promise<Row[]> {
  return [
    ...(await withScene(firstView)),
    ...(await withScene(warmOpen)),
    ...(await withScene(longList)),
    ...(await withScene(longErrand)),
    ...(await withScene(hour)),
  ];
}

type Bench = (t: Ends) => Promise<Row[]>;

async function withScene(bench: Bench): Promise<Row[]> {
  const ends: (() => unknown)[] = [];
  try {
    return await bench({ teardown: (end) => void ends.unshift(end) });
  } finally {
    for (const end of ends) await end();
  }
}

/** A figure with a goal of its own. */
function row(what: string, figure: number, goal: number, show: (value: number) => string): Row {
  return { what, figure: show(figure), floor: '', ratio: '', goal: `≤ ${show(goal)}`, met: figure <= goal };
}
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;
const whole = (count: number): string => String(count);

/** A first visit: what it loads, and when it can be used on a slow phone and a slow network. */
async function firstView(t: Ends): Promise<Row[]> {
  const { network, context } = await openApp(t);
  let [bytes, requests]: [number, number] = [0, 0];
  const took: number[] = [];
  for (let i = 0; i < OPENS; i++) {
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    await cdp.send('Network.setBypassServiceWorker', { bypass: true });
    await cdp.send('Network.setCacheDisabled', { cacheDisabled: true });
    await cdp.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 150,
      downloadThroughput: 200_000,
      uploadThroughput: 100_000,
    });
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 });
    [bytes, requests] = [0, 0];
    // The style of the other screens is asked for first; what follows it is not part of the first view.
    const first = new Set<string>();
    let is_first = true;
    cdp.on('Network.requestWillBeSent', ({ requestId, request }) => {
      is_first &&= !request.url.includes('/app/screens-');
      if (is_first) first.add(requestId);
    });
    cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      if (!first.has(requestId)) return;
      bytes += encodedDataLength;
      requests++;
    });
    const begin = performance.now();
    await page.goto(network.url, { waitUntil: 'commit' });
    await page.fill('input[name=email]', 'a@example.org');
    took.push(performance.now() - begin);
    // The part that speaks with the server comes after what is drawn.
    await page.waitForLoadState('networkidle');
    await page.close();
  }
  return [
    row('app: first view, compressed, with its headers', bytes, 80_000, kilobytes),
    row('app: requests of the first view', requests, 6, whole),
    row('app: usable at 1.6 Mbit/s, 150 ms, 4× slower CPU', median(took), 1_500, ms),
  ];
}

/** The app was there before, and there is no network now: how long until the list shows. */
async function warmOpen(t: Ends): Promise<Row[]> {
  const { api, network, page, context } = await openAppLoggedIn(t);
  await sendErrand(api);
  await page.locator('.task').first().waitFor();
  await page.evaluate('navigator.serviceWorker.ready.then(() => true)');
  network.offline = true;
  network.cut();
  const took: number[] = [];
  for (let i = 0; i < OPENS; i++) {
    const other = await context.newPage();
    // The page tells it by itself: what looks into it from outside would run in its main thread meanwhile.
    await other.addInitScript(`new MutationObserver((_, observer) => {
      if (!document.querySelector('.task')) return;
      observer.disconnect();
      console.log('the list shows');
    }).observe(document, { childList: true, subtree: true });`);
    const shown = other.waitForEvent('console', (message) => message.text() === 'the list shows');
    const begin = performance.now();
    await other.goto(network.url, { waitUntil: 'commit' });
    await shown;
    took.push(performance.now() - begin);
    await other.close();
  }
  return [row('app: warm, offline, until the list shows', median(took), 300, ms)];
}

/** Scrolls through the list from its start to its end. */
async function longList(t: Ends): Promise<Row[]> {
  const { server, session, page } = await openApp(t);
  const fieldsOf = (i: number) => ({
    title: `Errand ${i}`,
    status: 'cancelled' as const,
    ended_at: time(-1000 * (ERRANDS - i)),
  });
  addErrands(server.log, session.user.id, ERRANDS, fieldsOf);
  await page.fill('input[name=email]', session.user.email);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.locator('.rows.long .task').first().waitFor();
  await page.getByText('live', { exact: true }).first().waitFor();
  // A new device knows the newest, and reads on at the end of its list.
  await until('the list is whole', () =>
    page.evaluate<boolean>(`(() => {
      const body = document.querySelector('.inbox .body');
      body.scrollTo(0, body.scrollHeight);
      return document.querySelector('.task')?.getAttribute('aria-setsize') === '${ERRANDS}';
    })()`),
  );
  const longest = await longestTask(page, () => scroll(page, '.inbox .body'));
  return [row(`app: the longest task while a list of ${ERRANDS} errands scrolls`, longest, 50, ms)];
}

/** Opens an errand of many events, scrolls through it, and then lets events stream into it. */
async function longErrand(t: Ends): Promise<Row[]> {
  const scene = await openAppLoggedIn(t);
  const errand = new LivelyErrand(scene.server, await sendErrand(scene.api));
  errand.begin();
  for (let i = 0; i < TURNS; i++) {
    errand.say(`Now the part **${i}**, which has a few words of its own.`);
    errand.tool('run_command', { command: `npm test -- ${i}` }, `line ${i}\n`.repeat(5), { exit_code: 0 });
  }
  const { page, network } = scene;
  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.getByText(`Now the part ${TURNS - 1}`).waitFor();
  const scrolled = await longestTask(page, () => scroll(page, '.errand .body'));
  const cdp = await scene.context.newCDPSession(page);
  const before = await heap(cdp);
  const streamed = await longestTask(page, () => stream(errand, scene));
  const grown = (await heap(cdp)) - before;
  return [
    row(`app: the longest task while an errand of ${TURNS * 4} events scrolls`, scrolled, 50, ms),
    row(`app: the longest task at ${STREAM_PER_S} events/s for ${STREAM_S} s`, streamed, 50, ms),
    row(`app: heap after these ${STREAM_S * STREAM_PER_S} events`, grown, 8_000_000, (bytes) => kilobytes(bytes)),
  ];
}

/** Lets as many events stream into an open errand as come in an hour, as fast as the page takes them. */
async function hour(t: Ends): Promise<Row[]> {
  const { server, api, network, page, context } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.locator('.talk').waitFor();
  let sent = 0;
  const sendUntil = async (count: number): Promise<void> => {
    for (; sent < count; sent += BURST) {
      errand.report(...Array.from({ length: BURST / EVENTS_PER_TURN }, (_, i) => turn(sent + i)).flat());
      await page.getByText(`Said ${sent + BURST / EVENTS_PER_TURN - 1}`, { exact: true }).waitFor();
    }
  };
  const cdp = await context.newCDPSession(page);
  // What is kept in memory at most is there then.
  await sendUntil(HOUR_EVENTS / 10);
  const before = await heap(cdp);
  await sendUntil(HOUR_EVENTS);
  const grown = Math.max(0, (await heap(cdp)) - before);
  return [row(`app: heap after ${HOUR_EVENTS} events, an hour of them, against a tenth`, grown, 8_000_000, kilobytes)];
}

/** What a worker reports of one turn: a few words and a call of a tool. */
function turn(n: number): WorkerEvent[] {
  const [ref, call, model] = [`turn-${n}`, `call-${n}`, 'claude-sonnet-5-5'];
  const usage = { input_tokens: 1, cache_write_tokens: 0, cache_read_tokens: 0, output_tokens: 1 };
  const content = [{ type: 'text', text: `Said ${n}` }];
  const said = { content, stop_reason: 'tool_use', usage, request_id: null, duration_ms: 900 };
  const read = { turn: 1, ref: call, name: 'read_file' };
  return [
    { type: 'turn.started', body: { turn: 1, ref, model } },
    { type: 'turn.finished', body: { turn: 1, ref, model, ...said } },
    { type: 'tool.started', body: { ...read, input: { path: `src/${n}.ts` } } },
    {
      type: 'tool.finished',
      body: { ...read, is_error: false, content: [{ type: 'text', text: '1\tconst a = 1;' }], duration_ms: 100 },
    },
  ];
}

/**
 * The longest task of the page's main thread while `act` runs; what is below 50 ms counts as 0, as browsers report
 * it.
 */
async function longestTask(page: Page, act: () => Promise<unknown>): Promise<number> {
  const observe = `window.long_tasks = []; new PerformanceObserver((list) =>
    window.long_tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' }); true`;
  await page.evaluate(observe);
  await act();
  return page.evaluate<number>('Math.max(0, ...window.long_tasks)');
}

/**
 * Scrolls a screen's body by half of its height a frame, up to its start and down to its end. An edge is one where
 * nothing more has come for a while.
 */
async function scroll(page: Page, body: string): Promise<void> {
  await page.evaluate(`(async () => {
    const body = document.querySelector(${JSON.stringify(body)});
    for (const by of [-1, 1])
      for (let still = 0; still < ${EDGE_FRAMES}; ) {
        const last = body.scrollTop;
        body.scrollTop += (by * body.clientHeight) / 2;
        await new Promise(requestAnimationFrame);
        still = body.scrollTop === last ? still + 1 : 0;
      }
  })()`);
}

async function stream(errand: LivelyErrand, { page }: AppScene): Promise<void> {
  const begin = performance.now();
  let sent = 0;
  await until(
    'the events were sent',
    () => {
      const due = Math.min(STREAM_S * STREAM_PER_S, ((performance.now() - begin) / 1000) * STREAM_PER_S);
      for (; sent < due; sent += 4) {
        errand.say(`Streamed ${sent}`);
        errand.tool('read_file', { path: `src/${sent}.ts` }, '1\tconst a = 1;');
      }
      return sent >= STREAM_S * STREAM_PER_S;
    },
    STREAM_S * 3_000,
  );
  await page.getByText(`Streamed ${sent - 4}`, { exact: true }).waitFor();
}

/** The bytes in use after a garbage collection. */
async function heap(cdp: CDPSession): Promise<number> {
  await cdp.send('HeapProfiler.collectGarbage');
  return (await cdp.send('Runtime.getHeapUsage')).usedSize;
}
