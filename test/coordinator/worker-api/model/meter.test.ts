import test from 'ava';
import { toMessage, toStream, type ModelMessage } from '../../../../coordinator/demo/message-stream.ts';
import { Meter } from '../../../../coordinator/worker-api/model/meter.ts';

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
const METERED = {
  model: 'claude-sonnet-5-5',
  parts: [{ input: 10, cache_write_5m: 20, cache_write_1h: 10, cache_read: 40, output: 50 }],
  complete: true,
};

test('reads the usage however the bytes are cut', (t) => {
  const bytes = Buffer.from([...toStream(ANSWER, 7)].join(''));
  for (const size of [1, 2, 3, 7, 64, 1000, bytes.length]) {
    const meter = new Meter(true);
    for (let at = 0; at < bytes.length; at += size) meter.push(bytes.subarray(at, at + size));
    t.deepEqual(meter.result(), METERED, `in pieces of ${size}`);
  }
});

test('reads the usage of an answer that is not streamed', (t) => {
  const meter = new Meter(false);
  const bytes = Buffer.from(JSON.stringify(toMessage(ANSWER)));
  meter.push(bytes.subarray(0, 100));
  meter.push(bytes.subarray(100));
  t.deepEqual(meter.result(), METERED);
});

test('takes totals of the last message_delta, and keeps what it leaves null', (t) => {
  const meter = new Meter(true);
  const line = (event: object) => meter.push(Buffer.from(`data: ${JSON.stringify(event)}\n\n`));
  line({ type: 'message_start', message: { model: 'm', usage: { ...tokens, output_tokens: 1 } } });
  line({ type: 'message_delta', usage: { output_tokens: 5, input_tokens: null } });
  line({ type: 'message_delta', usage: { output_tokens: 9, input_tokens: 12, cache_creation_input_tokens: 35 } });
  line({ type: 'something_new', usage: { output_tokens: 1000 } });
  line({ type: 'message_stop' });
  t.deepEqual(meter.result()?.parts, [
    { input: 12, cache_write_5m: 25, cache_write_1h: 10, cache_read: 40, output: 9 },
  ]);
});

test('estimates the output of an answer that was cut off from what was seen', (t) => {
  const frames = [...toStream({ ...ANSWER, content: [{ type: 'text', text: 'a'.repeat(3000) }] }, 30)];
  const meter = new Meter(true);
  for (const frame of frames.slice(0, 53)) meter.push(Buffer.from(frame));
  t.like(meter.result(), { complete: false, parts: [{ input: 10, output: 500 }] });
});

test('has nothing to say of an answer that never began', (t) => {
  const meter = new Meter(true);
  meter.push(Buffer.from('event: ping\ndata: {"type":"ping"}\n\ndata: not json\n\n'));
  t.is(meter.result(), undefined);
  t.is(new Meter(false).result(), undefined);
});

test('passes over a line that is too long, and reads what comes after it', (t) => {
  const meter = new Meter(true);
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  meter.push(Buffer.from('data: {"type":"'));
  for (let mb = 0; mb < 20; mb++) meter.push(chunk);
  meter.push(Buffer.from(`\n\n${[...toStream(ANSWER, 7)].join('')}`));
  t.deepEqual(meter.result(), METERED);
});
