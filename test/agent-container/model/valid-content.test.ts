import test from 'ava';
import { specsOf } from '../../../agent-container/loop/tool-specs.ts';
import { TOOLS } from '../../../agent-container/tools/all.ts';
import { Transcript } from '../../../agent-container/loop/transcript.ts';
import { turnEvent } from '../../../agent-container/loop/turn-event.ts';
import { shortenEvent } from '../../../agent-container/reporting/shorten-event.ts';
import { checkEvents } from '../../../coordinator/worker-api/validate-events.ts';
import { NumberedEvent, type WorkerEvent } from '../../../protocol/events.ts';
import { readMessagesBody } from '../../support/model/read-body.ts';
import { Random } from '../../support/random.ts';

/*
 * Whatever a model answers, the conversation stays one that the API takes: as this attempt sends it, and as the next
 * one builds it from the stored events. The check is that of the model server.
 */

const ROUNDS = 2_000;
const TURNS = 4;
const USAGE = { input_tokens: 1, cache_write_tokens: 0, cache_read_tokens: 0, output_tokens: 1 };
const TEXTS = [
  '',
  ' ',
  '\n\n',
  '\u00a0',
  '\u0085',
  '\u001f',
  '\ufeff',
  '\u200b',
  'a\ud800',
  '\udc00b',
  'Grüße 👋',
  '\0',
  '{}',
];
const TYPES = [
  'text',
  'tool_use',
  'thinking',
  'redacted_thinking',
  'compaction',
  'server_tool_use',
  'tool_result',
  'image',
  'x',
];
const FIELDS = [
  'text',
  'id',
  'name',
  'input',
  'thinking',
  'signature',
  'data',
  'content',
  'citations',
  'caller',
  'tool_use_id',
];

function anything(random: Random, depth = 3): unknown {
  const scalar = () => random.pick<unknown>([null, true, 0, -1.5, 1e300, ...TEXTS, 'x'.repeat(random.whole(0, 300))]);
  if (depth === 0 || random.next() < 0.5) return scalar();
  const values = Array.from({ length: random.whole(0, 4) }, () => anything(random, depth - 1));
  if (random.next() < 0.4) return values;
  return Object.fromEntries(
    values.map((value) => [random.pick([...TEXTS, 'path', '__proto__', 'constructor']), value]),
  );
}

const nested = (levels: number): unknown => (levels <= 0 ? 'deep' : { a: [nested(levels - 2)] });

/** A block that is right, or nearly so, or anything. */
function block(random: Random): unknown {
  const type = random.pick(TYPES);
  const right: Record<string, unknown> = {
    text: { type, text: random.pick(TEXTS) },
    tool_use: {
      type,
      id: `toolu_${random.whole(0, 5)}`,
      name: random.pick(['run_command', 'fly', ...TEXTS]),
      input: anything(random),
    },
    redacted_thinking: { type, data: random.pick(['', 'abc']) },
  };
  const chosen: unknown = right[type] ?? { type, content: anything(random) };
  if (random.next() < 0.05) return anything(random);
  if (random.next() < 0.1) return { ...(chosen as object), input: nested(random.whole(80, 190)) };
  if (random.next() < 0.3)
    return { ...(chosen as object), [random.pick(['type', ...FIELDS.slice(1, 4)])]: anything(random) };
  return chosen;
}

/** The events of a conversation in which the model answers anything. */
class Story {
  readonly transcript = new Transcript();
  readonly events: WorkerEvent[] = [];

  record(event: WorkerEvent): void {
    const stored = shortenEvent(event);
    const seq = this.events.length + 1;
    checkEvents([NumberedEvent.parse({ seq, at: new Date().toISOString(), ...wire(stored) })]);
    this.events.push(wire(stored));
    this.transcript.apply(stored);
  }

  turn(random: Random, content: unknown[]): void {
    const { transcript } = this;
    const turn = transcript.turn + 1;
    const stop_reason = random.pick(['tool_use', 'end_turn', 'max_tokens', 'pause_turn', 'refusal', 'moon_phase', '']);
    const answer = { turn, ref: 'r', model: 'm', content: transcript.validAnswer(content), stop_reason };
    this.record(turnEvent({ ...answer, usage: USAGE, request_id: null, duration_ms: 1 }));
    for (const { ref, name } of transcript.openCalls()) {
      const result = Array.from({ length: random.whole(0, 2) }, () => ({ type: 'text', text: random.pick(TEXTS) }));
      this.record({
        type: 'tool.finished',
        body: { turn, ref, name, is_error: random.next() < 0.5, content: result, duration_ms: 1 },
      });
    }
    if (transcript.unanswered_stop_reason !== null || random.next() < 0.3)
      this.record({ type: 'input.added', body: { turn, source: 'person', text: random.pick(TEXTS) } });
  }
}

const wire = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function bodyOf(transcript: Transcript): Buffer {
  const { system } = transcript;
  const params = { model: 'claude-opus-5-5', max_tokens: 1000, thinking: { type: 'adaptive' } };
  return Buffer.from(JSON.stringify({ ...params, system, tools: specsOf(TOOLS), messages: transcript.messages() }));
}

/** Also checks that a second transcript, of the stored events, sends the same bytes. */
function accepted(story: Story): string | null {
  const resumed = new Transcript();
  for (const event of story.events) resumed.apply(event);
  const body = bodyOf(story.transcript);
  if (!body.equals(bodyOf(resumed))) return 'the next attempt sends something else';
  try {
    readMessagesBody(body, ['compact-2026-01-12', 'context-management-2025-06-27']);
    return null;
  } catch (error) {
    return String(error);
  }
}

function begun(): Story {
  const story = new Story();
  story.record({ type: 'conversation.started', body: { system: 'You.', content: [{ type: 'text', text: 'Do it.' }] } });
  return story;
}

test('whatever blocks an answer has, the request after it is accepted, and the next attempt sends the same', (t) => {
  for (let seed = 0; seed < ROUNDS; seed++) {
    const random = new Random(seed);
    const story = begun();
    for (let turn = 0; turn < TURNS; turn++) {
      const content = Array.from({ length: random.whole(0, 6) }, () => block(random));
      story.turn(random, wire(content));
      const fault = accepted(story);
      if (fault !== null)
        return t.fail(`seed ${seed}, turn ${turn}: ${fault}\n${JSON.stringify(content).slice(0, 2000)}`);
    }
  }
  t.pass();
});

test('an answer that had to be shortened is sent by this attempt as by the next one, and without cut thinking', (t) => {
  const pieces = { small: 'x'.repeat(10), medium: '\n'.repeat(200_000), large: '\u0001'.repeat(400_000) };
  const random = new Random(1);
  for (const thinking of Object.values(pieces))
    for (const text of Object.values(pieces))
      for (const path of Object.values(pieces)) {
        const story = begun();
        // The signature is not one of the model server: any thinking that is kept must be as it was.
        story.turn(random, [
          { type: 'thinking', thinking, signature: 's'.repeat(500) },
          { type: 'text', text: `a${text}` },
          { type: 'tool_use', id: 'toolu_1', name: 'write_file', input: { path, content: text } },
        ]);
        const kept = story.transcript
          .messages()
          .flatMap(({ content }) => content.filter(({ type }) => type === 'thinking'));
        for (const block of kept) t.is(block['thinking'], thinking);
        const resumed = new Transcript();
        for (const event of story.events) resumed.apply(event);
        t.true(bodyOf(story.transcript).equals(bodyOf(resumed)));
      }
});
