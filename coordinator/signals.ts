/** What the rest of the server tells the dispatcher, always after the commit. None of these wait or throw. */
export type Signals = {
  /** A task was queued, or a place became free: look whether something can start. */
  wake: () => void;
  /** A message or a cancel is pending for this task: push it to its worker now, rather than with its next heartbeat. */
  control: (task_id: string) => void;
  /** An attempt has ended: its streams are cut, its worker is cleared away. */
  ended: (task_id: string, attempt: number) => void;
};
