import type { DiffStat, Usage, WaitingFor } from '../../../protocol/task.ts';

/** A duration with at most two units, such as `3 min 20 s`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** An amount of US dollars. Amounts below one dollar get four digits. */
export function money(usd: number): string {
  if (usd === 0) return '$0';
  return `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
}

export function spent({ requests, cost_usd }: Usage): string {
  return `${requests} ${requests === 1 ? 'request' : 'requests'}, ${money(cost_usd)}`;
}

export function changes({ files, insertions, deletions }: DiffStat): string {
  return `${files} ${files === 1 ? 'file' : 'files'}, +${insertions} -${deletions}`;
}

/** What a task waits for, and for how long at `now` (milliseconds since 1970). */
export function waiting(for_what: WaitingFor, now: number): string {
  return `${what(for_what, now)} (${duration(now - Date.parse(for_what.since))})`;
}

function what(waiting: WaitingFor, now: number): string {
  switch (waiting.kind) {
    case 'queue':
      return [
        `waits in the queue, place ${waiting.place}`,
        ...(waiting.retry_at === undefined ? [] : [`next attempt at ${clock(waiting.retry_at)}`]),
        ...(waiting.reason === undefined ? [] : [`no errand can be started: ${waiting.reason}`]),
      ].join(', ');
    case 'worker':
      return 'waits for a worker';
    case 'repository':
      return 'waits for the repository';
    case 'model':
      return `waits for the model${silence(waiting.silent_since, now)}`;
    case 'command': {
      const end = waiting.until === undefined ? '' : `, until ${clock(waiting.until)} at most`;
      return `runs ${waiting.command}${silence(waiting.silent_since, now)}${end}`;
    }
    case 'limit':
      return `waits until ${clock(waiting.until)}: ${waiting.reason}`;
    case 'person':
      return `waits for your answer: ${waiting.question}`;
    case 'silent_worker':
      return `the worker is silent: at ${clock(waiting.until)} another one takes over`;
  }
}

function silence(since: string | undefined, now: number): string {
  return since === undefined ? '' : `, silent for ${duration(now - Date.parse(since))}`;
}

/** The local date and time of an ISO time, to the minute. */
export function localTime(time: string): string {
  const at = new Date(time);
  return `${at.toLocaleDateString('sv-SE')} ${at.toLocaleTimeString('en-GB').slice(0, 5)}`;
}

const UTC_TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

/** A text of the server with its UTC times turned into local ones. */
export function withLocalTimes(text: string): string {
  return text.replace(UTC_TIME, localTime);
}

/** The local time of day of an ISO time, or of milliseconds since 1970. */
export function clock(time: string | number): string {
  return new Date(time).toLocaleTimeString('en-GB');
}
