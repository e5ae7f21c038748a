import { isEnded, needsYou, openNeeds, type Task, type TaskStatus } from '../../protocol/task.ts';
import type { Client } from '../client/client.ts';
import { EXIT, interruptedCode } from './exit.ts';
import { follow, readFollowed, type News } from '../client/follow.ts';
import { knownEvent } from '../client/known-event.ts';
import { print, printBeside, printJson, SERVER_ENDS, type Io } from './io.ts';
import { PROGRAM } from './render/program.ts';
import { Screen } from './render/screen.ts';
import { heading, RESTORED, View, whyNothingStarts } from './render/view.ts';

const TICK_MS = 1_000;

type Followed = AsyncGenerator<News>;
type ReportConnection = (news: News) => void;

/** How long to watch an errand, as options. */
export const FOLLOW_OPTIONS = {
  follow: { type: 'boolean', help: 'watch it until it ends' },
  'until-asked': { type: 'boolean', help: 'watch it until it ends or asks you something: exit code 4' },
} as const;

type Watching = { json?: boolean | undefined; 'until-asked'?: boolean | undefined };

/**
 * Shows an errand until it has ended, or waits for its person if `until-asked` is set. Resolves with the exit code.
 * An interruption stops the watching, not the errand.
 */
export async function watch(client: Client, task: Task, options: Watching, io: Io): Promise<number> {
  const { id } = task;
  const { json = false, 'until-asked': until_asked = false } = options;
  const reportConnection = connectionReporter(io);
  const view = new View(task);
  const followed = follow(client, id, io.signal);
  const read = () => readFollowed(client, id, reportConnection);
  const end: { asked?: Task } = {};
  const news = until_asked ? untilAsked(followed, read, (asked) => (end.asked = asked)) : followed;
  try {
    if (json) await watchAsJson(news, io, reportConnection);
    else await watchAsText(news, task, view, io, reportConnection);
    // What was asked may have been answered since; whoever was told of it finds that out as it answers.
    const ended = end.asked ?? (await read());
    if (!json) print(io, view.outcome(ended));
    return exitCode(ended);
  } catch (error) {
    if (!io.signal.aborted) throw error;
    if (io.signal.reason !== SERVER_ENDS)
      printBeside(io, [
        ['Stopped watching; the errand goes on. Watch it again with ', ['command', `${PROGRAM} watch ${id}`]],
        ['or stop it with ', ['command', `${PROGRAM} cancel ${id}`]],
      ]);
    return interruptedCode(io.signal);
  }
}

/** Prints the events as JSON, one per line. */
async function watchAsJson(followed: Followed, io: Io, reportConnection: ReportConnection): Promise<void> {
  for await (const news of followed) {
    if (news.type === 'events') for (const event of news.events) printJson(io, event);
    else if (news.type === 'restored') printBeside(io, [[RESTORED]]);
    else reportConnection(news);
  }
}

async function watchAsText(followed: Followed, task: Task, view: View, io: Io, reportConnection: ReportConnection) {
  print(io, heading(task));
  if (io.live) return watchLive(followed, view, io);
  print(io, whyNothingStarts([task]));
  for await (const news of followed) {
    print(io, view.take(news, false));
    reportConnection(news);
  }
}

/** What `follow` yields, until the errand waits for its person and all that it asks was yielded. */
async function* untilAsked(followed: Followed, read: () => Promise<Task>, onAsked: (task: Task) => void): Followed {
  const asked = new Set<string>();
  let [status, is_current]: [TaskStatus, boolean] = ['queued', false];
  for await (const news of followed) {
    yield news;
    if (news.type === 'connected') is_current = true;
    if (news.type === 'lost' || news.type === 'restored') is_current = false;
    if (news.type === 'events')
      for (const event of news.events.map(knownEvent)) {
        if (event?.type === 'task.status') status = event.body.to;
        if (event?.type === 'need.asked') asked.add(event.body.need.id);
      }
    // The events of the past tell of waits that are over, and of one transaction some may still come.
    if (!is_current || !waits(status)) continue;
    const task = await read();
    if (!isAsking(task) || !openNeeds(task).every(({ id }) => asked.has(id))) continue;
    onAsked(task);
    return;
  }
}

/** Without a status line, stderr gets a notice when the connection is lost, and another when it is back. */
function connectionReporter(io: Io): ReportConnection {
  let lost = false;
  return (news) => {
    if (news.type === 'lost' && !lost) printBeside(io, [[news.why, ' Trying again until it is back.']]);
    if (news.type === 'connected' && lost) printBeside(io, [['The connection is back.']]);
    if (news.type === 'lost') lost = true;
    else if (news.type === 'connected') lost = false;
  };
}

async function watchLive(followed: Followed, view: View, io: Io): Promise<void> {
  const screen = new Screen(io.stdout, io.color, (size) => view.footer(size, Date.now()));
  const refresh = () => screen.refresh();
  const tick = setInterval(refresh, TICK_MS);
  io.stdout.on('resize', refresh);
  try {
    for await (const news of followed) {
      const lines = view.take(news, true);
      if (lines.length > 0) screen.print(lines);
      else screen.refresh();
    }
  } finally {
    clearInterval(tick);
    io.stdout.off('resize', refresh);
    screen.close();
    print(io, view.plan());
  }
}

function waits(status: TaskStatus): boolean {
  return !isEnded(status) && needsYou({ status, reason: null });
}

/** A worker that waits goes on by itself with what was answered; until then it waits, but asks nothing. */
function isAsking(task: Task): boolean {
  return waits(task.status) && (task.status === 'parked' || task.needs?.length !== 0);
}

function exitCode({ status }: Task): number {
  if (waits(status)) return EXIT.needs_you;
  if (!isEnded(status)) return EXIT.trouble;
  if (status === 'succeeded') return EXIT.succeeded;
  return status === 'cancelled' ? EXIT.cancelled : EXIT.failed;
}
