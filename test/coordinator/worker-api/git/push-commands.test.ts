import { randomBytes, randomInt } from 'node:crypto';
import test from 'ava';
import { FLUSH, pktLine, PktReader } from '../../../../coordinator/worker-api/git/pkt-line.ts';
import { readPush, writePush, type Push } from '../../../../coordinator/worker-api/git/push-commands.ts';
import { branchPrefix } from '../../../../coordinator/domain/task.ts';
import { newId } from '../../../../protocol/ids.ts';
import { ErrandError } from '../../../../protocol/problem.ts';

const TASK = newId();
const OWN = `refs/heads/${branchPrefix(TASK)}`;
const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const ZERO = '0'.repeat(40);
const CAPABILITIES = ' report-status-v2 side-band-64k object-format=sha1 agent=git/2.39.5';

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function read(bytes: Buffer, size = 7, bytes_max = 65_536): Promise<Push> {
  return readPush(new PktReader(pieces(bytes, size), bytes_max));
}

test('commands are read however the bytes are split, and the bytes after them stay unread', async (t) => {
  const bytes = Buffer.concat([
    pktLine(`shallow ${A}\n`),
    pktLine(`${ZERO} ${A} ${OWN}one\0${CAPABILITIES}`),
    pktLine(`${A} ${B} ${OWN}two\n`),
    FLUSH,
    Buffer.from('PACK…'),
  ]);
  for (const size of [1, 3, 64, 10_000]) {
    const reader = new PktReader(pieces(bytes, size), 65_536);
    t.deepEqual(await readPush(reader), {
      shallow: [A],
      commands: [
        { old: ZERO, new: A, ref: `${OWN}one` },
        { old: A, new: B, ref: `${OWN}two` },
      ],
      capabilities: ['report-status-v2', 'side-band-64k', 'object-format=sha1', 'agent=git/2.39.5'],
    });
    const rest: Buffer[] = [];
    for await (const chunk of reader.rest()) rest.push(chunk);
    t.is(Buffer.concat(rest).toString(), 'PACK…');
    t.is(reader.bytes_read, bytes.length - Buffer.byteLength('PACK…'));
  }
});

test('commands are written as they were read', async (t) => {
  const bytes = Buffer.concat([pktLine(`shallow ${A}\n`), pktLine(`${ZERO} ${A} ${OWN}one\0${CAPABILITIES}`), FLUSH]);
  t.deepEqual(writePush(await read(bytes)), bytes);
  t.deepEqual(writePush(await read(FLUSH)), FLUSH);
});

test('an unknown capability is dropped', async (t) => {
  const { capabilities } = await read(
    Buffer.concat([pktLine(`${A} ${B} ${OWN}x\0 atomic evil=1 push-cert=nonce`), FLUSH]),
  );
  t.deepEqual(capabilities, ['atomic']);
});

const MALFORMED: Record<string, Buffer> = {
  'no pkt-line': Buffer.from('GET / HTTP/1.1'),
  'an end in the middle': pktLine(`${A} ${B} ${OWN}x`).subarray(0, 50),
  'commands without a flush': pktLine(`${A} ${B} ${OWN}x`),
  'a delimiter': Buffer.from('0001'),
  'an empty line': Buffer.from('0004'),
  'a line that is too long': Buffer.from('fff1'),
  'a signed push': Buffer.concat([pktLine('push-cert\0 report-status'), FLUSH]),
  'a hash of another length': Buffer.concat([pktLine(`${A} ${B}${B.slice(0, 24)} ${OWN}x`), FLUSH]),
  'a hash in capitals': Buffer.concat([pktLine(`${A} ${B.toUpperCase()} ${OWN}x`), FLUSH]),
  'a ref with a space': Buffer.concat([pktLine(`${A} ${B} ${OWN}x refs/heads/main`), FLUSH]),
  'a ref with a line break': Buffer.concat([pktLine(`${A} ${B} ${OWN}x\nrefs/heads/main`), FLUSH]),
  'a second NUL': Buffer.concat([pktLine(`${A} ${B} ${OWN}x\0 atomic`), pktLine(`${A} ${B} ${OWN}y\0 atomic`), FLUSH]),
  'a shallow line after a command': Buffer.concat([pktLine(`${A} ${B} ${OWN}x`), pktLine(`shallow ${A}`), FLUSH]),
};

for (const [what, bytes] of Object.entries(MALFORMED))
  test(`${what} is not a push`, async (t) => {
    await t.throwsAsync(read(bytes), { instanceOf: ErrandError, code: 'invalid' });
  });

test('commands beyond the limit are refused before they are read to the end', async (t) => {
  async function* endless(): AsyncGenerator<Buffer> {
    for (;;) yield pktLine(`${A} ${B} ${OWN}x`);
  }
  await t.throwsAsync(readPush(new PktReader(endless(), 65_536)), { code: 'too_large' });
});

test('arbitrary bytes are either a push or refused', async (t) => {
  const good = Buffer.concat([
    pktLine(`${ZERO} ${A} ${OWN}one\0${CAPABILITIES}`),
    pktLine(`${A} ${B} ${OWN}two`),
    FLUSH,
  ]);
  for (let i = 0; i < 3000; i++) {
    const bytes = i % 5 === 0 ? randomBytes(randomInt(300)) : Buffer.from(good);
    for (let flips = randomInt(1, 5); flips > 0 && bytes.length > 0; flips--)
      bytes[randomInt(bytes.length)] = randomInt(256);
    const outcome = await read(bytes, randomInt(1, 100)).catch((error: unknown) => error);
    if (outcome instanceof ErrandError) continue;
    t.deepEqual(await read(writePush(outcome as Push)), outcome as Push);
  }
});
