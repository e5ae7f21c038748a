import test from 'ava';
import { cutLog } from '../../../../coordinator/forge/intake/cut-log.ts';

const CHARS_MAX = 4_000;
const at = (i: number) => `${new Date(Date.UTC(2026, 10, 28, 10, 0, i)).toISOString().replace('.000Z', '.1234567Z')} `;
/** As Actions stores a log: each line with its time, what is installed before, and the clean-up after. */
const actions = (lines: string) =>
  [
    ...Array.from({ length: 800 }, (_, i) => `##[command]downloading package-${i} from the registry`),
    ...lines.split('\n'),
    '##[error]Process completed with exit code 1.',
    ...Array.from({ length: 40 }, (_, i) => `Post job cleanup: git config --local --unset-all key-${i}`),
  ]
    .map((line, i) => at(i) + line)
    .join('\n');

type Sample = { title: string; log: string; tells: string[] };

const SAMPLES: Sample[] = [
  {
    title: 'npm: a missing package',
    log: `npm error code E404
npm error 404 Not Found - GET https://registry.example.org/left-padd - Not found
npm error 404  'left-padd@^1.0.0' is not in this registry.
npm error A complete log of this run can be found in: /root/.npm/_logs/2026-11-28T10_00_00_000Z-debug-0.log`,
    tells: ['npm error code E404', "'left-padd@^1.0.0' is not in this registry."],
  },
  {
    title: 'npm 9: a script that failed',
    log: `> app@1.0.0 build
> tsc
src/index.ts(12,7): error TS2322: Type 'string' is not assignable to type 'number'.
npm ERR! Lifecycle script \`build\` failed with error:
npm ERR! code 2`,
    tells: ["src/index.ts(12,7): error TS2322: Type 'string' is not assignable to type 'number'."],
  },
  {
    title: 'jest',
    log: `${'PASS test/other.test.js\n'.repeat(200)}FAIL test/sum.test.js
  ● sum › adds

    expect(received).toBe(expected) // Object.is equality

    Expected: 3
    Received: 4

      at Object.<anonymous> (test/sum.test.js:5:18)

Tests:       1 failed, 200 passed, 201 total`,
    tells: ['● sum › adds', 'Expected: 3', 'Received: 4', 'Tests:       1 failed'],
  },
  {
    title: 'node --test (TAP)',
    log: `${'ok 1 - fine\n'.repeat(300)}not ok 301 - rounds down
  ---
  error: 'Expected values to be strictly equal: 2 !== 1'
  code: 'ERR_ASSERTION'
  ...`,
    tells: ['not ok 301 - rounds down', '2 !== 1'],
  },
  {
    title: 'pytest',
    log: `collected 311 items
${'tests/test_many.py ............. [ 50%]\n'.repeat(100)}=================================== FAILURES ===================================
__________________________________ test_total __________________________________

    def test_total():
>       assert total([1, 2]) == 4
E       assert 3 == 4
E        +  where 3 = total([1, 2])

tests/test_sum.py:7: AssertionError
=========================== short test summary info ============================
FAILED tests/test_sum.py::test_total - assert 3 == 4
========================= 1 failed, 310 passed in 2.51s =========================`,
    tells: ['>       assert total([1, 2]) == 4', 'E       assert 3 == 4', 'tests/test_sum.py::test_total'],
  },
  {
    title: 'Python: an import that fails',
    log: `Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    import requests
ModuleNotFoundError: No module named 'requests'`,
    tells: ['File "/app/main.py", line 3', "No module named 'requests'"],
  },
  {
    title: 'go test',
    log: `${'ok  \texample.org/app/pkg\t0.01s\n'.repeat(200)}--- FAIL: TestParse (0.00s)
    parse_test.go:21: got 3, want 4
FAIL
FAIL\texample.org/app/parse\t0.004s`,
    tells: ['--- FAIL: TestParse', 'parse_test.go:21: got 3, want 4', 'example.org/app/parse'],
  },
  {
    title: 'go vet and a panic',
    log: `./main.go:14:2: undefined: foo
panic: runtime error: index out of range [3] with length 3

goroutine 1 [running]:
main.main()
\t/app/main.go:9 +0x1d`,
    tells: ['./main.go:14:2: undefined: foo', 'index out of range [3]', '/app/main.go:9'],
  },
  {
    title: 'Gradle',
    log: `${'> Task :app:compileJava UP-TO-DATE\n'.repeat(200)}> Task :app:test FAILED

CartTest > sumsUp() FAILED
    org.opentest4j.AssertionFailedError: expected: <3> but was: <4>
        at app//org.example.CartTest.sumsUp(CartTest.java:14)

FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':app:test'.
> There were failing tests.

BUILD FAILED in 12s`,
    tells: ['CartTest > sumsUp() FAILED', 'expected: <3> but was: <4>', 'CartTest.java:14', '* What went wrong:'],
  },
  {
    title: "Actions' own errors",
    log: `##[group]Run actions/checkout
repository: o/r
##[endgroup]
##[error]Unable to resolve action \`actions/chekout@v4\`, repository not found`,
    tells: ['Unable to resolve action'],
  },
  {
    title: 'cargo',
    log: `${'   Compiling libc v0.2\n'.repeat(200)}error[E0308]: mismatched types
 --> src/main.rs:3:18
  |
3 |     let x: i32 = "a";
  |                  ^^^ expected \`i32\`, found \`&str\``,
    tells: ['error[E0308]: mismatched types', 'src/main.rs:3:18', 'expected `i32`, found `&str`'],
  },
];

for (const { title, log, tells } of SAMPLES)
  test(`the cut log says why the job failed: ${title}`, (t) => {
    const cut = cutLog(actions(log), CHARS_MAX);
    t.true(cut.length <= CHARS_MAX, String(cut.length));
    for (const words of tells) t.true(cut.includes(words), `${words}\nis not in\n${cut}`);
    t.regex(cut, /\[\d+ lines left out\]/);
    t.notRegex(cut, /^\d{4}-\d\d-\d\dT/m);
    t.true((cut.match(/downloading package/g) ?? []).length <= 10, cut);
  });

test('a short log stays whole, without colours and progress bars', (t) => {
  const log = '\uFEFF\u001B[31mred\u001B[0m\r\n 10%\r 50%\r100% done\n\u001B]0;title\u0007plain\n';
  t.is(cutLog(log, CHARS_MAX), 'red\n100% done\nplain');
});

test('a log that says nothing keeps its end', (t) => {
  const cut = cutLog(Array.from({ length: 5_000 }, (_, i) => `step ${i}`).join('\n'), 1_000);
  t.true(cut.endsWith('step 4999'));
  t.true(cut.startsWith('['));
});

test('errors that repeat do not crowd out the others', (t) => {
  const log = `${'##[error]connection lost\n'.repeat(5_000)}--- FAIL: TestOnce (0.00s)\n${'x\n'.repeat(100)}`;
  t.true(cutLog(log, 1_000).includes('--- FAIL: TestOnce'));
});

// A reader that is quadratic would take hours.
test('a hostile log of a megabyte is read, and the limit holds', (t) => {
  t.true(cutLog(`${'\r'.repeat(1_000_000)}x`, 2_000).length <= 2_000);
  for (const piece of ['error ', 'a.b:1 ', '\r', '\u001B[', '= ', 'at.a.b.C', '_ '])
    t.true(cutLog(piece.repeat(1_000_000 / piece.length), 2_000).length <= 2_000);
  t.is(cutLog('', 200), '');
});

test('what nobody sees in a log is left out', (t) => {
  t.is(cutLog('a\u202Eb\u2066c\u{E0041}d\u0000e\tf', 200), 'abcde\tf');
});
