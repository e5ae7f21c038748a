import { isEnded, type Task } from '../../protocol/task.ts';
import type { Client } from '../client/client.ts';
import { EXIT } from './exit.ts';
import { follow, readFollowed, type News } from '../client/follow.ts';
import { print, printBeside, printJson, SERVER_ENDS, type Io } from './io.ts';
import { PROGRAM } from './render/program.ts';
import { Screen } from './render/screen.ts';
import { heading, RESTORED, View, whyNothingStarts } from './render/view.ts';

const TICK_MS = 1_000;

type ReportConnection = (news: News) => void;

/** Shows an errand until it has ended. Resolves with the exit code. Ctrl-C stops the watching, not the errand. */
export async function watch(client: Client, task: Task, json: boolean, io: Io): Promise<number> {
  const { id } = task;
  const reportConnection = connectionReporter(io);
  const view = new View(task);
  try {
    if (json) await watchAsJson(client, id, io, reportConnection);
    else await watchAsText(client, task, view, io, reportConnection);
    const ended = await readFollowed(client, id, reportConnection);
    if (!json) print(io, view.outcome(ended));
    return exitCode(ended);
  } catch (error) {
    if (!io.signal.aborted) throw error;
    if (io.signal.reason !== SERVER_ENDS)
      printBeside(io, [
        ['Stopped watching; the errand goes on. Watch it again with ', ['command', `${PROGRAM} watch ${id}`]],
        ['or stop it with ', ['command', `${PROGRAM} cancel ${id}`]],
      ]);
    return EXIT.interrupted;
  }
}

/** Prints the events as JSON, one per line. */
async function watchAsJson(client: Client, id: string, io: Io, reportConnection: ReportConnection): Promise<void> {
  for await (const news of follow(client, id, io.signal)) {
    if (news.type === 'events') for (const event of news.events) printJson(io, event);
    else if (news.type === 'restored') printBeside(io, [[RESTORED]]);
    else reportConnection(news);
  }
}

async function watchAsText(client: Client, task: Task, view: View, io: Io, reportConnection: ReportConnection) {
  print(io, heading(task));
  if (io.live) return watchLive(client, task.id, view, io);
  print(io, whyNothingStarts([task]));
  for await (const news of follow(client, task.id, io.signal)) {
    print(io, view.take(news, false));
    reportConnection(news);
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

async function watchLive(client: Client, id: string, view: View, io: Io): Promise<void> {
  const screen = new Screen(io.stdout, io.color, (size) => view.footer(size, Date.now()));
  const refresh = () => screen.refresh();
  const tick = setInterval(refresh, TICK_MS);
  io.stdout.on('resize', refresh);
  try {
    for await (const news of follow(client, id, io.signal)) {
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

function exitCode({ status }: Task): number {
  if (!isEnded(status)) return EXIT.trouble;
  if (status === 'succeeded') return EXIT.succeeded;
  return status === 'cancelled' ? EXIT.cancelled : EXIT.failed;
}
