import test from 'ava';
import { paint, type Line } from '../../../../coordinator/cli/render/line.ts';
import { ToolLines } from '../../../../coordinator/cli/render/tool-lines.ts';

type Finished = { is_error?: boolean; exit_code?: number; duration_ms?: number };

const text = (lines: Line[]) => lines.map((line) => paint(line, false));
const started = (ref: string, name: string, input: object) => ({ turn: 1, ref, name, input });
const finished = (ref: string, name: string, output: string, more: Finished = {}) => ({
  turn: 1,
  ref,
  name,
  content: [{ type: 'text', text: output }],
  is_error: false,
  duration_ms: 10,
  ...more,
});

test('a read-only tool takes one line, also when calls run in parallel', (t) => {
  const tools = new ToolLines();
  t.deepEqual(tools.started(started('a', 'read_file', { path: 'a.md' })), []);
  t.deepEqual(tools.started(started('b', 'search', { pattern: 'cent', path: 'src' })), []);
  t.deepEqual(text(tools.finished(finished('b', 'search', 'src/a.js:1:cent\n'))), ['▸ search cent src  1 line']);
  t.deepEqual(text(tools.finished(finished('a', 'read_file', '1\n2'))), ['▸ read_file a.md  2 lines']);
  const lost = tools.finished(finished('c', 'read_file', 'There is no c.md.', { is_error: true }));
  t.deepEqual(text(lost), ['▸ read_file', '  │ There is no c.md.', '  └ failed']);
});

test('a result is shown below its command, also if another command started in between', (t) => {
  const tools = new ToolLines();
  const run = (ref: string, command: string) => text(tools.started(started(ref, 'run_command', { command })));
  const end = (ref: string, exit_code: number) =>
    text(tools.finished(finished(ref, 'run_command', `\n${ref}\n[exit code ${exit_code}, 9 ms]`, { exit_code })));
  t.deepEqual(run('a', 'npm test'), ['▸ run_command npm test']);
  t.deepEqual(end('a', 1), ['  │ a', '  └ exit 1, 0.0 s']);
  run('b', 'one');
  run('c', 'two');
  t.deepEqual(end('b', 0), ['▸ run_command one', '  │ b', '  └ exit 0, 0.0 s']);
  t.deepEqual(end('c', 0), ['▸ run_command two', '  │ c', '  └ exit 0, 0.0 s']);
  run('d', 'three');
  tools.leave();
  t.is(end('d', 0)[0], '▸ run_command three');
});

test('a plan update is not shown as a tool call, unless it failed', (t) => {
  const tools = new ToolLines();
  t.deepEqual(tools.started(started('a', 'update_plan', { items: [] })), []);
  t.deepEqual(tools.finished(finished('a', 'update_plan', 'The plan is set.')), []);
  t.regex(text(tools.finished(finished('a', 'update_plan', 'Too long.', { is_error: true }))).join('\n'), /Too long/);
});

test('an edit is shown as its changed lines', (t) => {
  const tools = new ToolLines();
  const input = { path: 'a.js', old_text: 'one\ntwo\nthree', new_text: 'one\n2\n2b\nthree' };
  t.deepEqual(text(tools.started(started('a', 'edit_file', input))), ['▸ edit_file a.js']);
  const lines = text(tools.finished(finished('a', 'edit_file', 'Replaced it.')));
  t.deepEqual(lines, ['  │ - two', '  │ + 2', '  │ + 2b']);
  tools.started(started('b', 'edit_file', input));
  const failed = text(tools.finished(finished('b', 'edit_file', 'It is not there.', { is_error: true })));
  t.deepEqual(failed, ['  │ It is not there.', '  └ failed']);
});

test('tools of other agents are shown in full', (t) => {
  const tools = new ToolLines();
  t.deepEqual(text(tools.started(started('a', 'deploy', { to: 'there' }))), ['▸ deploy {"to":"there"}']);
  const lines = text(tools.finished(finished('a', 'deploy', 'Done.', { duration_ms: 1500 })));
  t.deepEqual(lines, ['  │ Done.', '  └ 1.5 s']);
});

test('a tool of an MCP server is named by its server', (t) => {
  const tools = new ToolLines();
  const call = started('a', 'mcp__linear__get_issue', { id: 'ERR-7' });
  t.deepEqual(text(tools.started(call)), ['▸ linear: get_issue {"id":"ERR-7"}']);
});

test('a picture that the agent shows has its file and caption', (t) => {
  const tools = new ToolLines();
  const call = started('a', 'show_picture', { path: '/tmp/cart.png', caption: 'The cart' });
  t.deepEqual(text(tools.started(call)), ['▸ show_picture /tmp/cart.png The cart']);
});
