import { isDeepStrictEqual } from 'node:util';
import { shapeOf } from '../../../protocol/json-shape.ts';
import { parseJson } from '../../../coordinator/base/json-body.ts';
import { allowDestination } from '../../../coordinator/worker-api/egress/destination.ts';
import { readClientHello } from '../../../coordinator/worker-api/egress/client-hello.ts';
import { PktReader, pktLine } from '../../../coordinator/worker-api/git/pkt-line.ts';
import { readPush, writePush } from '../../../coordinator/worker-api/git/push-commands.ts';
import { Meter } from '../../../coordinator/worker-api/model/meter.ts';
import { scan } from '../../../coordinator/worker-api/model/scan.ts';
import { extension, message, record, serverName } from '../../support/client-hello.ts';
import type { Random } from '../../support/random.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';
import { attempt, mustHold, refusalOf, type ParserTarget } from './target.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const mutateWith =
  (...words: (string | Buffer)[]): ParserTarget['mutate'] =>
  (random, input, other) =>
    mutateBytes(
      random,
      input,
      other,
      words.map((word) => (typeof word === 'string' ? latin1(word) : word)),
    );

/** The parsers of bytes that strangers send. */
export function byteTargets(): ParserTarget[] {
  return [jsonShape(), duplicateKeys(), pktLines(), clientHello(), tunnelDestination(), modelStream()];
}

/** Cuts the input into a few chunks, some of them empty. */
function chunksOf(random: Random, input: Buffer): Buffer[] {
  const cuts = Array.from({ length: random.pick([0, 1, 3]) }, () => random.whole(0, input.length)).sort(
    (a, b) => a - b,
  );
  return [0, ...cuts].map((from, i) => input.subarray(from, cuts[i] ?? input.length));
}

const SHAPE = { ...shapeOf(300), depth_max: 20, elements_max: 50, keys_max: 20 };

function jsonShape(): ParserTarget {
  return {
    name: 'shape of JSON',
    seeds: ['{"a":[1,"x",{"b":null}],"c":"\\"[{"}', '[[[[]]]]', '[0,0,0]', '"\\\\"'].map(latin1),
    mutate: mutateJson,
    read: (input) => {
      const outcome = attempt(() => parseJson(input, SHAPE));
      if ('refused' in outcome) return outcome.refused;
      const { depth, nodes } = measure(outcome.value);
      mustHold(
        depth <= SHAPE.depth_max && nodes <= SHAPE.nodes_max,
        'a value that was accepted has the shape that was asked for',
      );
      return `accepted ${depth}`;
    },
  };
}

/** Duplicate keys are lost here, so the text may have had more than this. */
function measure(value: unknown): { depth: number; nodes: number } {
  if (typeof value !== 'object' || value === null) return { depth: 0, nodes: 1 };
  const inner = Object.values(value).map(measure);
  const nodes = inner.reduce((sum, each) => sum + each.nodes, Array.isArray(value) ? 0 : inner.length);
  return { depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)), nodes: nodes + 1 };
}

function duplicateKeys(): ParserTarget {
  return {
    name: 'duplicate keys',
    seeds: ['{"max_tokens":5,"a":{"a":1,"\\u0061":2}}', '{"max_tokens" : 12 }', '{"a":[{"b":1},{"b":2}]}'].map(latin1),
    mutate: mutateJson,
    read: (input) => {
      const outcome = attempt(() => parseJson(input, SHAPE));
      if ('refused' in outcome) return outcome.refused;
      const { duplicate, span } = scan(input, 'max_tokens');
      if (duplicate !== undefined) return `duplicate ${Math.min(3, duplicate.length)}`;
      // Without a duplicate every key of the text is still there.
      const keys = input.toString().match(/"(?:[^"\\]|\\.)*"\s*:/g)?.length ?? 0;
      mustHold(countKeys(outcome.value) === keys, 'a key that appears twice is found');
      const found = span && typeof (outcome.value as { max_tokens?: unknown }).max_tokens;
      if (span && found === 'number')
        mustHold(
          Object.is(
            Number(input.toString('latin1', span.start, span.end)),
            (outcome.value as { max_tokens: number }).max_tokens,
          ),
          'the bytes of the number are found',
        );
      return `keys ${Math.min(9, keys)} ${found}`;
    },
  };
}

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner: unknown[] = Object.values(value);
  return inner.reduce<number>((sum, each) => sum + countKeys(each), Array.isArray(value) ? 0 : inner.length);
}

const ZERO = '0'.repeat(40);
const COMMIT = 'c'.repeat(40);
const COMMAND = `${ZERO} ${COMMIT} refs/heads/errand/a`;
const PUSH_BYTES_MAX = 2_000;

function pktLines(): ParserTarget {
  const seeds = [
    [`${COMMAND}\0 report-status side-band-64k agent=git/2.39`, `${COMMIT} ${ZERO} refs/heads/b\n`],
    [`shallow ${COMMIT}\n`, `${COMMAND}\0atomic object-format=sha256`],
    ['push-cert\0x'],
  ].map((lines) => Buffer.concat([...lines.map((line) => pktLine(line)), latin1('0000PACK\0\0\0\x02')]));
  return {
    name: 'pkt-lines of a push',
    seeds,
    mutate: mutateWith(
      '0000',
      '0001',
      '0004',
      '0005',
      'ffff',
      'fff0',
      '00',
      '\0',
      '\n',
      ZERO,
      COMMIT,
      ' ',
      pktLine(COMMAND),
    ),
    read: async (input, random) => {
      try {
        const reader = new PktReader(streamOf(chunksOf(random, input)), PUSH_BYTES_MAX);
        const push = await readPush(reader);
        mustHold(reader.bytes_read <= PUSH_BYTES_MAX, 'no more is read than the limit');
        const rest: Buffer[] = [];
        for await (const chunk of reader.rest()) rest.push(chunk);
        mustHold(Buffer.concat(rest).equals(input.subarray(reader.bytes_read)), 'no byte after the commands is lost');
        if (push.commands.length === 0) return `empty ${push.shallow.length}`;
        const again = await readPush(new PktReader(streamOf([writePush(push)]), PUSH_BYTES_MAX * 2));
        mustHold(isDeepStrictEqual(again, push), 'the commands are the same after they were written and read');
        return `accepted ${push.commands.length} ${push.shallow.length} ${push.capabilities.length}`;
      } catch (error) {
        return refusalOf(error);
      }
    },
  };
}

async function* streamOf(chunks: Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

function clientHello(): ParserTarget {
  const hello = record(message(serverName('Host.example'), extension(16, Buffer.from('\0\x03\x02h2'))));
  const parts = message(serverName('a.example'), extension(0xfe0d, Buffer.alloc(4)));
  return {
    name: 'ClientHello',
    seeds: [hello, Buffer.concat([record(parts.subarray(0, 3)), record(parts.subarray(3))]), record(message())],
    mutate: mutateWith(
      serverName('b.example'),
      record(parts),
      Buffer.from([22, 3, 1]),
      '\0\0',
      '\xff\xff',
      '\xfe\x0d',
      '\xff\xce',
    ),
    read: (input, random) => {
      const outcome = attempt(() => readClientHello(input));
      if ('refused' in outcome) return outcome.refused;
      const hello = outcome.value;
      if (!hello) return 'more is needed';
      const less = attempt(() => readClientHello(input.subarray(0, random.whole(0, input.length - 1))));
      const means = 'value' in less && (less.value === undefined || isDeepStrictEqual(less.value, hello));
      mustHold(means, 'a part of a message that is accepted asks for more, or means the same');
      return `accepted ${hello.encrypted} ${hello.server_name === undefined}`;
    },
  };
}

function tunnelDestination(): ParserTarget {
  return {
    name: 'destination of a tunnel',
    seeds: ['a.example:443', '*:443', '10.0.0.1:443', '0x7f.1:80', 'a.:443', 'xn--a.example:80'].map(latin1),
    mutate: mutateWith('.', ':', '443', ':80', '0x', '127.1', '@', '/', '\0', '[::1]', '%2e', '\xff', 'A', '-'),
    read: (input) => {
      const policy = { egress: 'open' as const, egress_hosts: [] };
      const outcome = attempt(() => allowDestination(input.toString('latin1'), policy, []));
      if ('refused' in outcome) return outcome.refused;
      const { host, port } = outcome.value;
      mustHold([80, 443].includes(port), 'only the usual ports are allowed');
      const url = URL.parse(`http://${host}/`);
      mustHold(url === null || url.hostname === host, 'a host means the same to a URL parser');
      return `accepted ${host.split('.').length} ${port}`;
    },
  };
}

const EVENTS = [
  '{"type":"message_start","message":{"model":"m","usage":{"input_tokens":5,"output_tokens":1}}}',
  '{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}}',
  '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}',
  '{"type":"message_stop"}',
  '{"type":"error"}',
].map((event) => `event: x\ndata: ${event}\n\n`);

function modelStream(): ParserTarget {
  return {
    name: 'stream of the model',
    seeds: [latin1(EVENTS.slice(0, 4).join('')), latin1(EVENTS.join('')), latin1('data: {}\n\ndata:null\r\n\r\n: x\n')],
    mutate: mutateWith(
      ...EVENTS,
      'data:',
      '\n',
      '\r\n',
      '-1',
      '1e999',
      '0.5',
      '"',
      '{',
      'null',
      '\xff',
      '\xe2\x82',
      '['.repeat(3_000),
    ),
    read: (input, random) => {
      const whole = meter([input]);
      mustHold(isDeepStrictEqual(meter(chunksOf(random, input)), whole), 'the chunks of a stream do not matter');
      const tokens = whole.parts.flatMap((part) => Object.values(part));
      if (whole.reliable)
        mustHold(
          tokens.every((count) => Number.isSafeInteger(count) && count >= 0),
          'tokens are counts',
        );
      return `${whole.state} ${whole.reliable} ${whole.parts.length} ${whole.edited} ${whole.model === ''}`;
    },
  };
}

function meter(chunks: Buffer[]) {
  const meter = new Meter({ streamed: true, hour_cache: false });
  for (const chunk of chunks) meter.push(chunk);
  return meter.result(true);
}
