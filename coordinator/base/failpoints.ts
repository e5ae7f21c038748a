/** A moment in which a test lets this process die: `before` or `after` something, counted by its name. */
export type Failpoint = { at: 'before' | 'after'; what: string; nth: number };

let armed: Failpoint | undefined;

/** From now on this process is killed, as by a loss of power, where it comes to this point for the `nth` time. Never called in a server that serves. */
export function armFailpoint(point: Failpoint): void {
  armed = { ...point };
}

/**
 * One of the points between two steps of which neither may be lost nor done twice. It costs a comparison where nothing is armed. `what` names
 * the step: a type of event for the commit that stores one, else the call to the runner.
 */
export function failpoint(at: Failpoint['at'], what: string): void {
  if (armed?.at !== at || armed.what !== what || --armed.nth > 0) return;
  process.kill(process.pid, 'SIGKILL');
}

/** The points around a commit: one for each type of event that it stores. */
export function commitPoint(at: Failpoint['at'], rows: { type: string }[]): void {
  if (armed !== undefined) for (const { type } of rows) failpoint(at, type);
}
