import type { Call, Conversation } from './conversation.ts';

/** What the demo model says and does next. Without tools its turn ends, and the words are its summary. */
export type DemoTurn = { text: string; tools: { name: string; input: Record<string, unknown> }[] };

const PLAN = ['Look around', 'Run the tests', 'Mend the code', 'Run the tests again'];
const README = 'README.md';
const TEST_COMMAND = 'npm test';
const NEEDED = ['list_files', 'read_file', 'edit_file', 'run_command'];
/** The one mistake that the demo model can mend, and how. */
const MISTAKE = /^( *)return Array\.from\(\{ length: people \}, \(\) => share\);$/m;
const CURE = [
  'const rest = total % people;',
  'return Array.from({ length: people }, (_, place) => (place < rest ? share + 1 : share));',
];
/** How a person asks for a line in the README. */
const README_WISH =
  /\b(?:mention|note|say|write|add|append|put)\s+(?:that\s+)?(.{1,300}?)\s+(?:in|into|to)\s+(?:the\s+)?readme\b/i;
const NOTED = 'I have read your message, and will see to the README.';
const HONEST =
  'I am the demo model: a small script that knows the sample repository, not Claude. With an API key (`ANTHROPIC_API_KEY`) Claude does the work.';

/** What to do next, decided from the conversation alone: so an errand that was interrupted goes on where it was. */
export function decide(conversation: Conversation): DemoTurn {
  if (NEEDED.some((tool) => !conversation.tools.has(tool)))
    return end(`${HONEST} I need the tools ${NEEDED.join(', ')}, and was not given all of them.`);
  return lookAround(conversation) ?? mend(conversation) ?? heed(conversation) ?? finish(conversation);
}

/** The first two turns: what is here, and what does it say of itself? */
function lookAround(c: Conversation): DemoTurn | undefined {
  const listed = c.newest('list_files');
  if (!listed) return act(c, 0, 'I am the demo model. Let me look around first.', ['list_files', {}]);
  const files = ['AGENTS.md', README, 'package.json'].filter(
    (name) => includesLine(listed.output, name) && !c.newest('read_file', readsPath(name)),
  );
  if (files.length === 0) return undefined;
  return act(c, 0, `I read ${files.join(', ')}.`, ...files.map((path): Use => ['read_file', { path }]));
}

/** The sample's errand: run the tests, find the failing one, read what it tests, mend that, run the tests again. */
function mend(c: Conversation): DemoTurn | undefined {
  if (!isSample(c)) return undefined;
  const before = testRuns(c)[0];
  if (!before) return runTests(c, 1, 'The tests are run by `npm test`. Let me see which of them fails.');
  const failed = failureOf(before.output);
  if (!failed) return undefined;

  const test = c.file(failed.path);
  if (test === undefined) {
    const words = `The test that fails is "${failed.name}", in ${failed.path}. I read it.`;
    return once(c, 'read_file', failed.path) ? undefined : act(c, 2, words, ['read_file', { path: failed.path }]);
  }
  const path = testedBy(test);
  if (path === undefined) return undefined;
  const code = c.file(path);
  if (code === undefined) {
    if (once(c, 'read_file', path)) return undefined;
    return act(c, 2, `It tests ${path}. Let me see that.`, ['read_file', { path }]);
  }

  const mistake = MISTAKE.exec(code);
  if (mistake) {
    if (once(c, 'edit_file', path)) return undefined;
    const new_text = CURE.map((line) => (mistake[1] ?? '') + line).join('\n');
    const words = `${failed.message} Everyone gets the same share, rounded down, and what is left over is lost. Those who come first have to pay a cent more.`;
    return act(c, 2, words.trim(), ['edit_file', { path, old_text: mistake[0], new_text }]);
  }
  if (!lastRun(c, path)) return runTests(c, 3, 'Now the tests again.');
  return undefined;
}

/** What people asked for besides. Only one kind of wish is understood: a line in the README. */
function heed(c: Conversation): DemoTurn | undefined {
  for (const sentence of wishes(c)) {
    const readme = c.file(README);
    const tried = c.calls.some(({ input }) =>
      `${String(input['new_text'])}${String(input['content'])}`.includes(sentence),
    );
    if (tried || readme?.includes(sentence) === true) continue;
    const words = `You asked me to mention something in the README: "${sentence}"`;
    if (readme === undefined && !once(c, 'read_file', README))
      return act(c, PLAN.length, words, ['read_file', { path: README }]);
    if (readme === undefined)
      return act(c, PLAN.length, 'There is none yet.', ['write_file', { path: README, content: `${sentence}\n` }]);
    const last = readme.trimEnd().split('\n').at(-1) ?? '';
    const input = { path: README, old_text: last, new_text: `${last}\n\n${sentence}` };
    return act(c, PLAN.length, words, ['edit_file', input]);
  }
  return undefined;
}

function finish(c: Conversation): DemoTurn {
  const runs = testRuns(c);
  const [first, last] = [runs[0], runs.at(-1)];
  const failed = first && failureOf(first.output);
  const mentioned = wishes(c).filter((sentence) => c.file(README)?.includes(sentence));
  const also = mentioned.length === 0 ? '' : ` The README now says: ${mentioned.map((s) => `"${s}"`).join(', ')}.`;
  if (!isSample(c)) {
    return end(`I looked around, and ${also === '' ? 'changed nothing.' : `did one thing.${also}`} ${HONEST}`);
  }
  if (failed && last && last !== first && !failureOf(last.output)) {
    const plan = c.newest('update_plan');
    if (c.tools.has('update_plan') && !isDone(plan)) return act(c, PLAN.length, 'All tests pass.');
    return end(
      `Mended: the test "${failed.name}" failed because \`splitBill\` lost the cents that cannot be divided. Those who come first now pay one ` +
        `cent more, and all tests pass.${also}\n\n${HONEST}`,
    );
  }
  if (first && !failed) return end(`All tests passed already, so there was nothing to mend.${also}\n\n${HONEST}`);
  return end(`I could not mend this: the code is not the one that I know.${also}\n\n${HONEST}`);
}

type Use = [name: string, input: Record<string, unknown>];

/** A turn with tools; the plan is shown with it where it has changed. `at` is the plan's item that is being worked on. */
function act(c: Conversation, at: number, text: string, ...uses: Use[]): DemoTurn {
  const items = PLAN.map((item, i) => ({
    text: item,
    status: i < at ? 'done' : i === at ? 'in_progress' : 'pending',
  }));
  const shown = c.newest('update_plan')?.input['items'];
  const planned: Use[] =
    c.tools.has('update_plan') && isSample(c) && JSON.stringify(shown) !== JSON.stringify(items)
      ? [['update_plan', { items }]]
      : [];
  return {
    text: c.unheard.some(isWish) ? `${NOTED}\n\n${text}` : text,
    tools: [...planned, ...uses].map(([name, input]) => ({ name, input })),
  };
}

function end(text: string): DemoTurn {
  return { text, tools: [] };
}

function runTests(c: Conversation, at: number, text: string): DemoTurn | undefined {
  // A command that was cut off is run again, but not for ever.
  const tries = c.calls.filter(({ name, input }) => name === 'run_command' && input['command'] === TEST_COMMAND);
  return tries.length >= 4 ? undefined : act(c, at, text, ['run_command', { command: TEST_COMMAND }]);
}

/** The runs of the tests that came to their end, oldest first. */
function testRuns(c: Conversation): Call[] {
  return c.calls.filter(({ name, input, output }) => {
    return name === 'run_command' && input['command'] === TEST_COMMAND && /^\W*(?:tests|pass) \d+/m.test(output);
  });
}

/** The newest run of the tests, if it came after the newest edit of this file. */
function lastRun(c: Conversation, path: string): Call | undefined {
  const edited = c.calls.findLastIndex(({ name, input }) => name === 'edit_file' && input['path'] === path);
  return testRuns(c).findLast((run) => c.calls.indexOf(run) > edited);
}

/** The test that failed, as `node --test` tells of it; undefined where none did. */
function failureOf(output: string): { name: string; path: string; message: string } | undefined {
  if (/^\W*fail 0\b/m.test(output)) return undefined;
  const path = /\b((?:[\w-]+\/)+[\w.-]+\.test\.[cm]?js)\b/.exec(output)?.[1];
  const name = /^\s*(?:✖|not ok \d+ -) (?!failing tests)(.+?)(?: \(.*\))?$/m.exec(output)?.[1];
  if (path === undefined || name === undefined) return undefined;
  const [wanted, got] = ['expected', 'actual'].map((key) => new RegExp(`^\\s*${key}: (.*?),?$`, 'm').exec(output)?.[1]);
  const message = wanted && got ? `The test wants ${wanted} and gets ${got}.` : '';
  return { name, path: path.slice(path.lastIndexOf('test/')), message };
}

/** The file that a test imports from beside its folder. */
function testedBy(test: string): string | undefined {
  return /from '\.\.\/([\w./-]+)'/.exec(test)?.[1];
}

const isWish = (text: string) => README_WISH.test(text);

function wishes(c: Conversation): string[] {
  return c.said.flatMap((text) => {
    const wish = README_WISH.exec(text)?.[1]?.replace(/^["'“`]+|["'”`.]+$/g, '');
    return wish === undefined ? [] : `${wish.charAt(0).toUpperCase()}${wish.slice(1)}.`;
  });
}

function isSample(c: Conversation): boolean {
  return /"name": "split-the-bill"/.test(c.file('package.json') ?? '');
}

function isDone(plan: Call | undefined): boolean {
  return !JSON.stringify(plan?.input['items'] ?? ['pending']).match(/pending|in_progress/);
}

/** Whether something was tried on a file already; what failed once is not tried again. */
function once(c: Conversation, name: string, path: string): boolean {
  return c.newest(name, readsPath(path)) !== undefined;
}

function readsPath(path: string) {
  return (input: Record<string, unknown>) => input['path'] === path;
}

function includesLine(listing: string, name: string): boolean {
  return listing.split('\n').some((line) => line.trim().split(/\s/, 1)[0]?.replace(/^\.\//, '') === name);
}
