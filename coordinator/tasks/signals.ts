/** What those who change rows tell those who act on them, always after the commit. None of these wait or throw. */
export type Signals = {
  /** A task was queued, or a place became free: look whether something can start. */
  wake: () => void;
  /** A message or a cancel is pending for this task: push it to its worker now, rather than with its next heartbeat. */
  control: (task_id: string) => void;
  /** An attempt has ended: its streams are cut, its worker is cleared away. */
  ended: (task_id: string, attempt: number) => void;
  /** Something was removed, and nobody sees it any more: what it left can be cleared away. */
  removed: () => void;
};
