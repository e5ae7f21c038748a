import test from 'ava';
import { AttemptLimits } from '../../../../agent-container/loop/limits.ts';
import { BUDGET_HEADER, BUDGET_RESERVED_HEADER } from '../../../../protocol/worker.ts';
import { startBilledApi, type Plan } from '../../../support/billing/api.ts';
import type { Block, PromptMessage, PromptRequest } from '../../../support/billing/count.ts';
import { startErrands, type Errands } from '../../../support/billing/errands.ts';
import { Random } from '../../../support/random.ts';

const BUDGET_USD = 2;
const SEED = Number(process.env['SEED'] ?? 8);
const SUMMARY_AT_TOKENS = 160_000;
const MARK = { cache_control: { type: 'ephemeral' } } as const;
const TOOL = { name: 'run_command', description: 'Runs a command. '.repeat(100), input_schema: { type: 'object' } };
const CODE = 'const total = items.reduce((sum, item) => sum + item, 0);\n'.repeat(1_100);

/** A turn as recorded sessions have them: a call, with now and then an edit of some length. */
function recordedTurn(random: Random): Plan {
  const input = { command: random.next() < 0.2 ? `cat > file <<E\n${CODE.slice(0, 900)}\nE` : 'npm test' };
  return {
    text: 'I look at the next part.',
    tools: [{ name: TOOL.name, input }],
    output_tokens: random.whole(60, 200),
  };
}

/** The result of a call: mostly short, now and then a file, and sometimes all that a command may print. */
function recordedResult(random: Random, tool_use_id: unknown): Block {
  const kind = random.next();
  const length = kind < 0.006 ? 60_000 : kind < 0.1 ? random.whole(1_000, 3_000) : random.whole(50, 400);
  return { type: 'tool_result', tool_use_id, content: CODE.slice(0, length) };
}

/** Leaves out old results, where even a summary does not fit into the rest of the budget. */
const CLEARED = { edits: [{ type: 'clear_tool_uses_20250919', trigger: { value: 5_000 }, keep: { value: 0 } }] };
const OPENING: PromptMessage = { role: 'user', content: [{ type: 'text', text: 'Fix the sum.' }] };

/**
 * A worker with the limits of the real one. It has its conversation summarised where that has become too dear, and old
 * results left out where it is refused even so.
 */
class RecordedWorker {
  readonly #errands: Errands;
  readonly #id: string;
  readonly #random = new Random(SEED);
  readonly #model: string;
  readonly limits = new AttemptLimits({
    budget_usd: BUDGET_USD,
    spent_usd: 0,
    max_turns: 10_000,
    time_limit_ms: 3_600_000,
  });
  #messages: PromptMessage[] = [OPENING];
  #prompt_tokens = 0;
  readonly warnings: { limit: string; used: number; spent: number }[] = [];
  turns = 0;
  summaries = 0;

  constructor(errands: Errands, id: string, model: string) {
    this.#errands = errands;
    this.#id = id;
    this.#model = model;
  }

  /** Works until the budget is spent; returns the message that says so. */
  async run(): Promise<string> {
    for (;;) {
      const spent = this.#errands.spent(this.#id);
      for (const { limit, used } of this.limits.beginTurn()) this.warnings.push({ limit, used, spent });
      const is_long = this.#prompt_tokens > SUMMARY_AT_TOKENS || this.limits.is_prompt_too_dear;
      if (is_long && this.#messages.length > 7) await this.#summarise();
      const error = (await this.#turn({})) && (await this.#turn({ context_management: CLEARED }));
      if (error) return error;
    }
  }

  /** Returns the message of a refusal, or null. */
  async #turn(more: Pick<PromptRequest, 'context_management'>): Promise<string | null> {
    const answer = await this.#ask(this.#messages, { max_tokens: 64_000, ...more });
    if (typeof answer === 'string') return answer;
    this.turns++;
    const call = answer.find(({ type }) => type === 'tool_use');
    this.#messages.push({ role: 'assistant', content: answer });
    this.#messages.push({ role: 'user', content: [recordedResult(this.#random, call?.['id'])] });
    return null;
  }

  /** Has all but the newest turn summarised. */
  async #summarise(): Promise<string | null> {
    const newest = this.#messages.slice(-2);
    const answer = await this.#ask(this.#messages.slice(0, -2), {
      max_tokens: 32_000,
      compaction: { type: 'summarize' },
    });
    if (typeof answer === 'string') return answer;
    this.summaries++;
    this.#messages = [OPENING, { role: 'assistant', content: answer }, OPENING, ...newest];
    return null;
  }

  async #ask(
    conversation: PromptMessage[],
    more: Pick<PromptRequest, 'max_tokens' | 'compaction' | 'context_management'>,
  ): Promise<Block[] | string> {
    const { length } = conversation;
    // The end of the previous request is marked as well, so that its prefix is found in the cache.
    const messages = conversation.map(({ role, content }, i) => {
      if (i !== length - 3 || typeof content === 'string') return { role, content };
      return { role, content: content.map((block, j) => (j === content.length - 1 ? { ...block, ...MARK } : block)) };
    });
    const request: PromptRequest = { model: this.#model, ...MARK, tools: [TOOL], messages, ...more };
    const reply = await this.#errands.post(this.#id, JSON.stringify(request));
    await this.#errands.settled(this.#id);
    if (reply === 'aborted') throw new Error('The connection broke.');
    const body = JSON.parse(reply.body) as {
      content: Block[];
      usage: Record<string, number>;
      error: { message: string };
    };
    if (reply.status !== 200) return body.error.message;
    this.limits.setBudgetLeft(Number(reply.headers[BUDGET_HEADER]), Number(reply.headers[BUDGET_RESERVED_HEADER]));
    const { input_tokens = 0, cache_read_input_tokens = 0, cache_creation_input_tokens = 0 } = body.usage;
    this.#prompt_tokens = input_tokens + cache_read_input_tokens + cache_creation_input_tokens;
    return body.content;
  }
}

for (const model of ['claude-sonnet-5-5', 'claude-opus-5-5'])
  test(`an errand of recorded turns with ${model} uses its whole budget, after a warning at 80 percent`, async (t) => {
    t.timeout(600_000);
    const random = new Random(SEED + 1);
    const api = await startBilledApi(t, () => recordedTurn(random));
    const errands = await startErrands(t, api.base_url);
    const id = errands.add(BUDGET_USD);
    const worker = new RecordedWorker(errands, id, model);
    const error = await worker.run();
    const { turns, summaries, warnings } = worker;
    const cached = api.usages.reduce((sum, usage) => sum + usage.cache_read_input_tokens, 0);
    const prompts = api.usages.reduce(
      (sum, { input_tokens: i, cache_creation_input_tokens: w }) => sum + i + w,
      cached,
    );
    t.log({ turns, summaries, bill: api.bill(''), cached: cached / prompts, counts: api.counts, warnings, error });
    t.regex(error, /budget of \$2\.00 is spent/);
    t.true(api.bill('') <= BUDGET_USD && errands.spent(id) >= api.bill('') - 1e-9);
    t.true(api.bill('') >= 0.95 * BUDGET_USD);
    const [warning] = warnings;
    t.true(warning !== undefined && warning.limit === 'budget');
    t.true(warning && warning.used >= 0.8 * BUDGET_USD && warning.used < 0.95 * BUDGET_USD);
    t.true(warning && warning.spent >= 0.7 * BUDGET_USD);
  });
