import test from 'ava';
import { Conversation } from '../../../coordinator/client/errand/conversation.ts';
import { knownEvent } from '../../../coordinator/client/known-event.ts';
import { shortBody } from '../../../coordinator/domain/short-body.ts';
import type { LogEvent } from '../../../protocol/events.ts';
import { eventsOf } from '../../support/events-of.ts';
import { Random } from '../../support/random.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

/** A log with everything that has a beginning and an end, one within the other. */
async function makeLog(t: Parameters<typeof startApi>[0], long = ''): Promise<LogEvent[]> {
  const server = await startApi(t);
  const { api } = await server.person();
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: `Fix it. ${long}` }));
  errand.begin();
  for (let n = 0; n < 4; n++) {
    const [one, other] = [
      errand.startTool('bash', { command: `make ${long}` }),
      errand.startTool('read_file', { path: 'a' }),
    ];
    errand.say(`Text ${n} ${long}`);
    await api.call('createMessage', { params: { id: errand.id }, body: { text: `Message ${n} ${long}` } });
    errand.endTool(other, 'read_file', `content ${long}`);
    errand.endTool(one, 'bash', `output ${long}`, { exit_code: n });
    errand.ask(`Question ${n}?`);
  }
  errand.succeed({});
  return eventsOf(api, errand.id);
}

test('a conversation that comes in parts, from its end, is the same as one that comes at once', async (t) => {
  const log = await makeLog(t);
  const whole = new Conversation(knownEvent);
  whole.apply(log);
  const random = new Random(5);
  for (let n = 0; n < 300; n++) {
    const parts = new Conversation(knownEvent);
    let from = log.length - random.whole(1, log.length);
    parts.apply(log.slice(from));
    t.is(parts.has_beginning, from === 0);
    while (from > 0) {
      const earlier = Math.max(0, from - random.whole(1, 12));
      parts.prepend(log.slice(earlier, from));
      from = earlier;
    }
    t.deepEqual(parts.items, whole.items);
    t.true(parts.has_beginning);
    t.is(parts.last_id, whole.last_id);
  }
});

test('rows of cut events become whole, one by one, and nothing else changes', async (t) => {
  const log = await makeLog(t, 'long '.repeat(2_000));
  const whole = new Conversation(knownEvent);
  whole.apply(log);
  const cut = new Conversation(knownEvent);
  cut.apply(
    log.map((event): LogEvent => {
      const { body, whole_bytes } = shortBody(event.type, JSON.stringify(event.body));
      return {
        ...event,
        body: JSON.parse(body) as LogEvent['body'],
        ...(whole_bytes !== undefined && { whole_bytes }),
      };
    }),
  );
  t.deepEqual(
    cut.items.map(({ key }) => key),
    whole.items.map(({ key }) => key),
  );
  const ids = cut.items.flatMap((item) => item.cut ?? []);
  t.true(ids.length > 15);
  for (const id of ids) cut.replace(log.find((event) => event.id === id) ?? t.fail());
  const withoutMarks = (items: Conversation['items']) => items.map((item) => ({ ...item, cut: undefined }));
  t.deepEqual(withoutMarks(cut.items), withoutMarks(whole.items));
  t.deepEqual(
    cut.items.flatMap((item) => item.cut ?? []),
    [],
  );
});

test('the warning of a result is a row of its own, also where its summary was said before', (t) => {
  const diff_stat = { files: 0, insertions: 0, deletions: 0 };
  const body = { summary: 'Done.', branch: null, commit: null, diff_stat, warning: 'Take care.' };
  const at = '2026-01-02T03:04:05.678Z';
  const conversation = new Conversation(knownEvent);
  conversation.apply([
    { id: 1, task_id: '01jd0000000000000000', attempt: 1, seq: null, type: 'task.result', at, body },
  ]);
  const [warning, result] = conversation.items;
  t.like(warning, { kind: 'note', note: { what: 'log', level: 'warn', text: 'Take care.' } });
  t.like(result, { kind: 'result', summary: 'Done.' });
});
