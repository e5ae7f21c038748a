import test from 'ava';
import { redactOutput } from '../../../coordinator/workers/redact-output.ts';

test('a crash is reported by its message, without a stack trace', (t) => {
  const output = [
    'ready',
    'file:///opt/errand/agent-container/main.ts:3',
    "throw new Error('the disk is gone');",
    '      ^',
    '',
    'Error: the disk is gone',
    '    at file:///opt/errand/agent-container/main.ts:3:7',
    '    at node:internal/main/run_main_module:33:47',
    '',
    'Node.js v24.11.0',
    '',
  ].join('\n');
  t.is(redactOutput(output), "ready | throw new Error('the disk is gone'); | Error: the disk is gone");
});

test('secrets and escape sequences are removed', (t) => {
  const secrets = [
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl',
    'ghp_abcdefghijklmnop1234',
    'sk-ant-api03-abcdefgh',
    'AKIAIOSFODNN7EXAMPLE',
  ];
  for (const secret of secrets) t.is(redactOutput(`failed with ${secret} in hand`), 'failed with [hidden] in hand');
  t.is(redactOutput('authorization: Bearer abc.def-123456'), 'authorization: Bearer [hidden]');
  t.is(redactOutput('fetch https://user:pass@forge.example/a failed'), 'fetch https://[hidden]forge.example/a failed');
  t.is(redactOutput('\u001B[31mred\u001B[0m \u001B]0;title\u0007words\r'), 'red words');
});

test('long output is cut to its end', (t) => {
  t.is(redactOutput(''), '');
  t.is(redactOutput('a\nb\nc\nd\n'), 'b | c | d');
  t.is(redactOutput('x'.repeat(5_000)).length, 401);
});
