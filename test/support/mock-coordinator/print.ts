import { changes, clock } from '../../../coordinator/cli/render/format.ts';
import { EventLines } from '../../../coordinator/cli/render/event-lines.ts';
import { knownEvent } from '../../../coordinator/client/known-event.ts';
import { paint, type Line } from '../../../coordinator/cli/render/line.ts';
import type { DiffStat } from '../../../protocol/change.ts';
import type { LogEvent } from '../../../protocol/events.ts';
import { describeRefusal, type Seen } from './attempt.ts';
import type { MockTask } from './task.ts';

type Out = { write: (text: string) => unknown; isTTY?: boolean };

/**
 * Prints the reports of a task's worker. `all`: also heartbeats, minor events and streamed text. `answer`: what a
 * person types to answer a question. Returns the function that stops it.
 */
export function printTask(task: MockTask, out: Out, all: boolean, answer: string): () => void {
  const events = new EventLines(() => answer);
  let in_delta = false;
  const print = (line: Line) => {
    out.write(`${in_delta ? '\n' : ''}${paint(line, out.isTTY === true)}\n`);
    in_delta = false;
  };
  return task.watch((seen) => {
    if (seen.kind === 'delta') {
      // Deltas continue the current line.
      if (!all) return;
      out.write(paint([['dim', seen.delta.text]], out.isTTY === true));
      in_delta = true;
      return;
    }
    for (const line of linesOf(task, events, seen, all)) print(line);
  });
}

function linesOf(task: MockTask, events: EventLines, seen: Exclude<Seen, { kind: 'delta' }>, all: boolean): Line[] {
  switch (seen.kind) {
    case 'event': {
      const { seq, at, type, body } = seen.event;
      const event: LogEvent = { id: seq, task_id: task.id, attempt: task.attempt, seq, type, at, body: { ...body } };
      const lines = events.of(event, knownEvent(event));
      const head: Line[] = all ? [[['dim', `#${seq} ${clock(at)} ${type}`]]] : [];
      return [...head, ...lines];
    }
    case 'heartbeat': {
      const { last_seq, waiting_for } = seen.heartbeat;
      return all ? [[['dim', `♥ ${last_seq} events, waits for ${waiting_for?.kind ?? 'nothing'}`]]] : [];
    }
    case 'refused':
      return [[['yellow', `✘ ${describeRefusal(seen)}`]]];
    case 'breach':
      return [[['red', `✘ ${seen.words}`]]];
    case 'result': {
      const { status, reason, detail, summary, branch, diff_stat, repositories = [] } = seen.result;
      const style = status === 'succeeded' ? 'green' : status === 'failed' ? 'red' : 'yellow';
      return [
        [[style, `● ${status}`], reason === null ? '' : ` (${reason})`, detail === null ? '' : `: ${detail}`],
        ...summary.split('\n').map((text): Line => ['  ', text]),
        pushedLine('', branch, diff_stat),
        ...repositories.map((each) => pushedLine(`${each.key}: `, each.branch, each.diff_stat)),
      ];
    }
  }
}

function pushedLine(where: string, branch: string | null, diff_stat: DiffStat): Line {
  if (branch === null) return [['dim', `  ${where}nothing was pushed`]];
  return [`  ${where}`, ['bold', branch], ` (${changes(diff_stat)})`];
}
