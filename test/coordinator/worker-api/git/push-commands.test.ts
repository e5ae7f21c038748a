import { randomBytes, randomInt } from 'node:crypto';
import test from 'ava';
import { FLUSH, pktLine, PktReader } from '../../../../coordinator/worker-api/git/pkt-line.ts';
import { readPush, refusalOf, writePush, type Push } from '../../../../coordinator/worker-api/git/push-commands.ts';
import { refusalReport } from '../../../../coordinator/worker-api/git/report-status.ts';
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

const push = (...refs: string[]): Push => ({
  commands: refs.map((ref) => ({ old: A, new: B, ref })),
  capabilities: ['report-status'],
  shallow: [],
});

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

test('branches of the task may be pushed', (t) => {
  for (const name of ['work', 'a/b', 'v1.2_x', 'wip']) t.is(refusalOf(push(OWN + name), TASK), null, name);
  t.is(refusalOf(push(), TASK), null);
});

test('branches of the task may be pushed without slashes, for a repository that has a branch in the way', (t) => {
  t.is(refusalOf(push(`refs/heads/errand-${TASK}-work`), TASK), null);
  for (const ref of [`refs/heads/errand-${newId()}-work`, 'refs/heads/errand-work', `refs/heads/errand_${TASK}-work`])
    t.not(refusalOf(push(ref), TASK), null, ref);
});

const FOREIGN = [
  'refs/heads/main',
  'HEAD',
  'refs/heads/errand/x',
  `refs/heads/${branchPrefix(newId())}x`,
  `refs/tags/${branchPrefix(TASK)}x`,
  OWN.slice(0, -1),
  `${OWN.toUpperCase()}x`,
  `x${OWN}x`,
  `refs/heads/${OWN}x`,
];
for (const ref of FOREIGN)
  test(`${ref.replaceAll(TASK, '<task>').replace(/[0-9a-z]{20}/, '<other>')} may not be pushed`, (t) => {
    t.deepEqual(refusalOf(push(ref), TASK), [`only ${OWN}* may be pushed`]);
  });

for (const name of [
  'a..b',
  'a//b',
  'a.lock',
  'a.lock/b',
  '/.a',
  'a/.b',
  'a.',
  'a/',
  'a@{1}',
  'a~1',
  'a^',
  'a:b',
  'a?',
  'a*',
  'a[',
  'a\\b',
  'a"b',
  'a;b',
  '\xe9',
])
  test(`${name} is not a valid branch name`, (t) => {
    t.regex(refusalOf(push(OWN + name), TASK)?.[0] ?? '', /a branch name may contain/);
  });

test('the reasons are in the order of the refs, and an allowed ref is refused with the others', (t) => {
  const deletion = { commands: [{ old: A, new: ZERO, ref: `${OWN}x` }], capabilities: [], shallow: [] };
  t.deepEqual(refusalOf(deletion, TASK), ['branches may not be deleted']);
  t.deepEqual(refusalOf(push(`${OWN}x`, 'refs/heads/main'), TASK), [
    'refused with the rest of the push',
    `only ${OWN}* may be pushed`,
  ]);
});

test('a report is plain or in the side band, and split where it is long', (t) => {
  const { commands } = push('refs/heads/main');
  const plain = `000eunpack ok\n001ang refs/heads/main no\n0000`;
  t.is(refusalReport({ commands, capabilities: ['report-status'], shallow: [] }, ['no'])?.toString(), plain);
  const banded = refusalReport({ commands, capabilities: ['report-status-v2', 'side-band-64k'], shallow: [] }, ['no']);
  t.is(banded?.toString(), `${(plain.length + 5).toString(16).padStart(4, '0')}\x01${plain}0000`);
  t.is(refusalReport({ commands, capabilities: [], shallow: [] }, ['no']), undefined);
  const many = push(...Array.from({ length: 1000 }, (_, i) => `refs/heads/${'x'.repeat(80)}${i}`));
  const long = refusalReport({ ...many, capabilities: ['report-status', 'side-band-64k'] }, []);
  t.is(long?.subarray(0, 5).toString('latin1'), 'fff0\x01');
  t.is(long?.subarray(65_520 + 4, 65_520 + 5).toString('latin1'), '\x01');
});
