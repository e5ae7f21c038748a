import type { LogEvent } from '../../protocol/events.ts';
import type { Api } from './api.ts';

/** All events of a task, read page by page. */
export async function eventsOf(api: Api, id: string): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  for (let after: number | null = 0; after !== null;) {
    const query = { after, limit: 200 };
    const page: Awaited<ReturnType<typeof api.call<'listEvents'>>> = await api.call('listEvents', {
      params: { id },
      query,
    });
    events.push(...page.items);
    after = page.next_cursor;
  }
  return events;
}
