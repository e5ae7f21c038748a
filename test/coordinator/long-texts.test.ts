import test from 'ava';
import { ToolLines } from '../../coordinator/cli/render/tool-lines.ts';
import { clean, headAndTail, oneLine, wrap } from '../../coordinator/cli/render/text.ts';
import { Conversation } from '../../coordinator/demo/conversation.ts';
import { decide } from '../../coordinator/demo/decide.ts';
import { parseAnsi } from '../../coordinator/web/parts/ansi.ts';
import { readMarkdown } from '../../coordinator/web/parts/read-markdown.ts';
import { redactOutput } from '../../coordinator/workers/redact-output.ts';
import { deviceName } from '../../protocol/device-name.ts';
import { hasCredential } from '../../protocol/url-credential.ts';
import { takesLittleWork } from '../support/takes-little-work.ts';

const resultOf = (text: string) => ({
  turn: 1,
  ref: 'call-1',
  name: 'run_command',
  content: [{ type: 'text', text }],
  is_error: false,
  exit_code: 0,
  duration_ms: 1,
});

/** A run of the tests with this output, in what the demo model is asked. */
function demoTurn(text: string): unknown {
  const input = { command: 'npm test' };
  const tools = ['list_files', 'read_file', 'edit_file', 'run_command'].map((name) => ({ name }));
  const call = (id: string, name: string, content: string) => [
    { role: 'assistant', content: [{ type: 'tool_use', id, name, input }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content }] },
  ];
  const messages = [
    { role: 'user', content: `Put ${text}` },
    ...call('1', 'list_files', ''),
    ...call('2', 'run_command', text),
  ];
  return decide(new Conversation({ model: 'demo', tools, messages }));
}

/** What reads the output of commands and workers, the words of models and what a browser sends. */
const READERS: Record<string, (text: string) => unknown> = {
  'a text for a terminal': clean,
  'a line for a terminal': (text) => oneLine(text, 80),
  'the ends of a text for a terminal': (text) => headAndTail(text, 5, 5),
  'a text in the rows of a terminal': (text) => wrap(text, 80),
  'the result of a tool': (text) => new ToolLines().finished(resultOf(text)),
  'output in colours': parseAnsi,
  'the last output of a worker': redactOutput,
  'the name of a browser': (text) => deviceName(`Mozilla/5.0 ${text}`),
  'an address': (text) => hasCredential(new URL(`https://a.b/#${text}`)),
  'the turn of the demo model': demoTurn,
};

for (const [name, read] of Object.entries(READERS))
  test(`a long text takes little work: ${name}`, takesLittleWork, read);

test('marks of code without an end take little work', (t) => {
  const start = process.threadCpuUsage();
  t.truthy(readMarkdown(`${'```\r'.repeat(50_000)}\``));
  const { user, system } = process.threadCpuUsage(start);
  t.true(user + system < 1_500_000);
});
