import type { Conversation, ToolCall } from './conversation.ts';
import { failureOf, TEST_COMMAND, testedFile, testRuns, testsRunSince } from './test-runs.ts';

/** The demo model's next turn. Without tool calls it is the last one, and the text is the summary. */
export type DemoTurn = { text: string; tools: { name: string; input: Record<string, unknown> }[] };

const PLAN = ['Look around', 'Run the tests', 'Fix the code', 'Run the tests again'];
const README = 'README.md';
const NEEDED = ['list_files', 'read_file', 'edit_file', 'run_command'];
/** The one bug that the demo model can fix, and its fix. */
const BUG = /^( *)return Array\.from\(\{ length: people \}, \(\) => share\);$/m;
const FIX = [
  'const rest = total % people;',
  'return Array.from({ length: people }, (_, place) => (place < rest ? share + 1 : share));',
];
/** Matches a request to add a line to the README. */
const README_REQUEST =
  /\b(?:mention|note|say|write|add|append|put)\s+(?:that\s+)?(.{1,300}?)\s+(?:in|into|to)\s+(?:the\s+)?readme\b/i;
/** The agent's request for a plan before any change. */
const WANTS_PLAN = /^# First a plan$/m;
const STOP = 'Stop here';
const MESSAGE_READ = 'I have read your message and will update the README.';
const DISCLAIMER =
  'I am the demo model: a small script that knows the sample repository, not Claude. With an API key (`ANTHROPIC_API_KEY`) Claude does the work.';

/** Decides the next turn from the conversation alone, so that an interrupted errand resumes where it stopped. */
export function decide(conversation: Conversation): DemoTurn {
  if (NEEDED.some((tool) => !conversation.tools.has(tool)))
    return end(`${DISCLAIMER} I need the tools ${NEEDED.join(', ')}, and was not given all of them.`);
  return lookAround(conversation) ?? fixSample(conversation) ?? updateReadme(conversation) ?? finish(conversation);
}

/** The first two turns: list the files and read those that describe the project. */
function lookAround(c: Conversation): DemoTurn | undefined {
  const listed = c.lastCall('list_files');
  if (!listed) return act(c, 0, 'I am the demo model. Let me look around first.', ['list_files', {}]);
  const files = ['AGENTS.md', README, 'package.json'].filter(
    (name) => includesLine(listed.output, name) && !c.lastCall('read_file', hasPath(name)),
  );
  if (files.length === 0) return undefined;
  return act(c, 0, `I read ${files.join(', ')}.`, ...files.map((path): Use => ['read_file', { path }]));
}

/** The sample's errand: run the tests, find the failing one, read what it tests, fix that, run the tests again. */
function fixSample(c: Conversation): DemoTurn | undefined {
  if (!isSample(c)) return undefined;
  const before = testRuns(c)[0];
  if (!before) return runTests(c, 1, '`npm test` runs the tests. Let me see which of them fails.');
  const failed = failureOf(before.output);
  if (!failed) return undefined;

  const test = c.file(failed.path);
  if (test === undefined) {
    const text = `The failing test is "${failed.name}", in ${failed.path}. I read it.`;
    return alreadyTried(c, 'read_file', failed.path)
      ? undefined
      : act(c, 2, text, ['read_file', { path: failed.path }]);
  }
  const path = testedFile(test);
  if (path === undefined) return undefined;
  const code = c.file(path);
  if (code === undefined) {
    if (alreadyTried(c, 'read_file', path)) return undefined;
    return act(c, 2, `It tests ${path}. Let me see that.`, ['read_file', { path }]);
  }

  const bug = BUG.exec(code);
  if (bug) {
    if (alreadyTried(c, 'edit_file', path)) return undefined;
    const new_text = FIX.map((line) => (bug[1] ?? '') + line).join('\n');
    const text = `${failed.message} Everyone gets the same share, rounded down, and the remainder is lost. The first ones have to pay a cent more.`;
    if (c.new_user_texts.includes(STOP)) return end(`I have changed nothing, as you wished.\n\n${DISCLAIMER}`);
    if (mayAskWithPlan(c)) {
      const question = `Shall I fix ${path}? The first ones would pay a cent more, so that no cent is lost.`;
      return act(c, 2, text.trim(), ['ask_person', { question, options: ['Go ahead', STOP] }]);
    }
    return act(c, 2, text.trim(), ['edit_file', { path, old_text: bug[0], new_text }]);
  }
  if (!testsRunSince(c, path)) return runTests(c, 3, 'Now the tests again.');
  return undefined;
}

/** Handles the user's other requests. It understands only one kind: a line in the README. */
function updateReadme(c: Conversation): DemoTurn | undefined {
  for (const sentence of readmeRequests(c)) {
    const readme = c.file(README);
    const tried = c.calls.some(({ input }) =>
      `${String(input['new_text'])}${String(input['content'])}`.includes(sentence),
    );
    if (tried || readme?.includes(sentence) === true) continue;
    const text = `You asked me to mention something in the README: "${sentence}"`;
    if (readme === undefined && !alreadyTried(c, 'read_file', README))
      return act(c, PLAN.length, text, ['read_file', { path: README }]);
    if (readme === undefined)
      return act(c, PLAN.length, 'There is no README yet.', ['write_file', { path: README, content: `${sentence}\n` }]);
    const last = readme.trimEnd().split('\n').at(-1) ?? '';
    const input = { path: README, old_text: last, new_text: `${last}\n\n${sentence}` };
    return act(c, PLAN.length, text, ['edit_file', input]);
  }
  return undefined;
}

function finish(c: Conversation): DemoTurn {
  const runs = testRuns(c);
  const [first, last] = [runs[0], runs.at(-1)];
  const failed = first && failureOf(first.output);
  const mentioned = readmeRequests(c).filter((sentence) => c.file(README)?.includes(sentence));
  const also = mentioned.length === 0 ? '' : ` The README now says: ${mentioned.map((s) => `"${s}"`).join(', ')}.`;
  if (!isSample(c)) {
    return end(`I looked around and ${also === '' ? 'changed nothing.' : `did one thing.${also}`} ${DISCLAIMER}`);
  }
  if (failed && last && last !== first && !failureOf(last.output)) {
    const plan = c.lastCall('update_plan');
    if (c.tools.has('update_plan') && !isDone(plan)) return act(c, PLAN.length, 'All tests pass.');
    return end(
      `Fixed: the test "${failed.name}" failed because \`splitBill\` lost the cents that cannot be divided. The first ones now pay one ` +
        `cent more, and all tests pass.${also}\n\n${DISCLAIMER}`,
    );
  }
  if (first && !failed) return end(`All tests passed already, so there was nothing to fix.${also}\n\n${DISCLAIMER}`);
  return end(`I could not fix this: I do not know this code.${also}\n\n${DISCLAIMER}`);
}

type Use = [name: string, input: Record<string, unknown>];

/** A turn with tool calls. It updates the plan if it has changed; `at` is the index of the current item. */
function act(c: Conversation, at: number, text: string, ...uses: Use[]): DemoTurn {
  const items = PLAN.map((item, i) => ({
    text: item,
    status: i < at ? 'done' : i === at ? 'in_progress' : 'pending',
  }));
  const shown = c.lastCall('update_plan')?.input['items'];
  const planned: Use[] =
    c.tools.has('update_plan') && isSample(c) && JSON.stringify(shown) !== JSON.stringify(items)
      ? [['update_plan', { items }]]
      : [];
  return {
    text: c.new_user_texts.some(readmeRequest) ? `${MESSAGE_READ}\n\n${text}` : text,
    tools: [...planned, ...uses].map(([name, input]) => ({ name, input })),
  };
}

function end(text: string): DemoTurn {
  return { text, tools: [] };
}

function runTests(c: Conversation, at: number, text: string): DemoTurn | undefined {
  // A run that was cut off is repeated, up to a limit.
  const tries = c.calls.filter(({ name, input }) => name === 'run_command' && input['command'] === TEST_COMMAND);
  return tries.length >= 4 ? undefined : act(c, at, text, ['run_command', { command: TEST_COMMAND }]);
}

/** The request in the beginning of a text, read with single spaces. */
const readmeRequest = (text: string) => README_REQUEST.exec(text.slice(0, 5_000).replace(/[^\S\n]+/g, ' '));

/** The sentences that the user asked to add to the README. */
function readmeRequests(c: Conversation): string[] {
  return c.user_texts.flatMap((text) => {
    const sentence = readmeRequest(text)?.[1]?.replace(/^["'\u201c`]+|["'\u201d`.]+$/g, '');
    return sentence === undefined ? [] : `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
  });
}

/** Whether the person wants a plan, and was not asked with one yet. */
function mayAskWithPlan(c: Conversation): boolean {
  if (!c.tools.has('ask_person') || c.lastCall('ask_person')) return false;
  return c.user_texts.some((text) => WANTS_PLAN.test(text));
}

function isSample(c: Conversation): boolean {
  return /"name": "split-the-bill"/.test(c.file('package.json') ?? '');
}

function isDone(plan: ToolCall | undefined): boolean {
  return !JSON.stringify(plan?.input['items'] ?? ['pending']).match(/pending|in_progress/);
}

/** Whether a tool was already called on a file. A call that failed is not repeated. */
function alreadyTried(c: Conversation, name: string, path: string): boolean {
  return c.lastCall(name, hasPath(path)) !== undefined;
}

function hasPath(path: string) {
  return (input: Record<string, unknown>) => input['path'] === path;
}

function includesLine(listing: string, name: string): boolean {
  return listing.split('\n').some((line) => line.trim().split(/\s/, 1)[0]?.replace(/^\.\//, '') === name);
}
