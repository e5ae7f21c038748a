/** The callbacks, by the last part of their path. */
export type CallbackName = 'assignment' | 'events' | 'messages' | 'heartbeat' | 'result';

/** What a worker calls: a callback, or a path behind one of the proxies. */
export type Route = { task_id: string } & (
  { name: CallbackName } | { name: 'llm' | 'git' | 'attachments'; path: string }
);

/**
 * Parses `/internal/tasks/:id/…`. Undefined: no such route. The proxies check what follows their own names. Clients of
 * Git LFS add `.git` to an address.
 */
export function parseRoute(url: string): Route | undefined {
  const [, task_id, name, rest] = /^\/internal\/tasks\/([^/?]+)\/([a-z]+)(.*)$/s.exec(url) ?? [];
  if (task_id === undefined || name === undefined || rest === undefined) return undefined;
  switch (name) {
    case 'assignment':
    case 'events':
    case 'messages':
    case 'heartbeat':
    case 'result':
      return rest === '' || rest.startsWith('?') ? { task_id, name } : undefined;
    case 'git':
      return rest === '' || /^(\.git\/|[/?])/.test(rest) ? { task_id, name, path: rest } : undefined;
    case 'llm':
    case 'attachments':
      return rest === '' || /^[/?]/.test(rest) ? { task_id, name, path: rest } : undefined;
    default:
      return undefined;
  }
}
