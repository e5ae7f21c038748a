/** The key of an attempt in maps. */
export function attemptKey({ task_id, attempt }: { task_id: string; attempt: number }): string {
  return `${task_id}/${attempt}`;
}
