import test from 'ava';
import { toMessage, toStream, type ModelMessage } from '../../../../coordinator/demo/message-stream.ts';
import { Meter, type Metered } from '../../../../coordinator/worker-api/model/meter.ts';

const tokens = {
  input_tokens: 10,
  cache_creation_input_tokens: 30,
  cache_read_input_tokens: 40,
  cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 10 },
  output_tokens: 50,
};
const ANSWER: ModelMessage = {
  id: 'msg_1',
  model: 'claude-sonnet-5-5',
  content: [
    { type: 'text', text: 'Grüße 🙂 '.repeat(20) },
    { type: 'tool_use', id: 't', name: 'n', input_json: '{"a":"\\n"}' },
  ],
  stop_reason: 'tool_use',
  stop_details: null,
  usage: { ...tokens, output_tokens_details: { thinking_tokens: 0 }, iterations: null },
  context_management: null,
};
const METERED: Metered = {
  state: 'complete',
  reliable: true,
  model: 'claude-sonnet-5-5',
  parts: [{ input: 10, cache_write_5m: 20, cache_write_1h: 10, cache_read: 40, output: 50 }],
  seen_bytes: 270,
  edited: false,
};
const STREAM = { streamed: true, hour_cache: false };
const DOCUMENT = { streamed: false, hour_cache: false };
const line = (event: object | string) =>
  Buffer.from(`data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`);

/** A stream with this usage at its start and its end, as JSON. */
function streamWith(start: string, end: string): Buffer {
  return Buffer.concat([
    line(`{"type":"message_start","message":{"model":"m","usage":${start}}}`),
    line(`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":${end}}`),
    line({ type: 'message_stop' }),
  ]);
}

test('reads the usage however the bytes are split', (t) => {
  const bytes = Buffer.from([...toStream(ANSWER, 7)].join(''));
  for (const size of [1, 2, 3, 7, 64, 1000, bytes.length]) {
    const meter = new Meter(STREAM);
    for (let at = 0; at < bytes.length; at += size) meter.push(bytes.subarray(at, at + size));
    t.deepEqual(meter.result(true), METERED, `in pieces of ${size}`);
  }
});

test('reads the usage of an answer that is not streamed', (t) => {
  const meter = new Meter(DOCUMENT);
  const bytes = Buffer.from(JSON.stringify(toMessage(ANSWER)));
  meter.push(bytes.subarray(0, 100));
  t.like(meter.result(false), { state: 'none', seen_bytes: 100 });
  meter.push(bytes.subarray(100));
  t.deepEqual(meter.result(true), { ...METERED, seen_bytes: bytes.length });
});

test('takes the totals of the last message_delta and keeps the counts that it leaves null', (t) => {
  const meter = new Meter(STREAM);
  const push = (event: object) => meter.push(line(event));
  push({ type: 'message_start', message: { model: 'm', usage: { ...tokens, output_tokens: 1 } } });
  push({ type: 'message_delta', usage: { output_tokens: 5, input_tokens: null } });
  push({ type: 'message_delta', usage: { output_tokens: 9, input_tokens: 12, cache_creation_input_tokens: 35 } });
  push({ type: 'something_new', usage: { output_tokens: 1000 } });
  push({ type: 'message_stop' });
  t.deepEqual(meter.result(true).parts, [
    { input: 12, cache_write_5m: 25, cache_write_1h: 10, cache_read: 40, output: 9 },
  ]);
});

test('takes writes of an unknown lifetime for those of the most expensive cache that the request may use', (t) => {
  const meter = new Meter({ streamed: true, hour_cache: true });
  meter.push(streamWith('{"input_tokens":1,"cache_creation_input_tokens":30}', '{"output_tokens":2}'));
  t.like(meter.result(true).parts[0], { cache_write_5m: 0, cache_write_1h: 30 });
});

test('a number that cannot be a count makes the usage unreliable, and so does a missing one', (t) => {
  for (const bad of ['-1', '0.5', '1e300', '"7"', 'true', '[]', 'NaN']) {
    for (const name of ['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens']) {
      const usage = `{"input_tokens":1,"output_tokens":1,"${name}":${bad}}`.replace(/"(\w+)":1,(.*"\1")/, '$2');
      for (const bytes of [streamWith(usage, '{"output_tokens":1}'), streamWith('{"input_tokens":1}', usage)]) {
        const meter = new Meter(STREAM);
        meter.push(bytes);
        t.like(meter.result(true), { state: 'complete', reliable: false }, `${name}: ${bad}`);
      }
      const meter = new Meter(DOCUMENT);
      meter.push(Buffer.from(`{"model":"m","usage":${usage}}`));
      t.like(meter.result(true), { state: 'complete', reliable: false }, `${name}: ${bad}`);
    }
  }
  for (const bytes of [streamWith('{"tokens_in":1}', '{"output_tokens":1}'), streamWith('{"input_tokens":1}', '{}')]) {
    const meter = new Meter(STREAM);
    meter.push(bytes);
    t.false(meter.result(true).reliable);
  }
});

test('an answer that was cut off is not complete, and says how much of it arrived', (t) => {
  const frames = [...toStream({ ...ANSWER, content: [{ type: 'text', text: 'a'.repeat(3000) }] }, 30)];
  const meter = new Meter(STREAM);
  for (const frame of frames.slice(0, 53)) meter.push(Buffer.from(frame));
  t.like(meter.result(false), { state: 'begun', reliable: true, seen_bytes: 1500 });
});

test('an answer that never began has no usage, and one that failed before it did costs nothing', (t) => {
  const meter = new Meter(STREAM);
  meter.push(Buffer.from('event: ping\ndata: {"type":"ping"}\n\ndata: not json\n\n'));
  t.like(meter.result(true), { state: 'none', parts: [] });
  meter.push(line({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }));
  t.is(meter.result(true).state, 'failed');
});

test('skips a line that is too long and reads the lines after it', (t) => {
  const meter = new Meter(STREAM);
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  meter.push(Buffer.from('data: {"type":"'));
  for (let mb = 0; mb < 20; mb++) meter.push(chunk);
  meter.push(Buffer.from(`\n\n${[...toStream(ANSWER, 7)].join('')}`));
  t.deepEqual(meter.result(true), METERED);
});
