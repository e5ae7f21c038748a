import type { WorkerEvent } from '../../../protocol/events.ts';
import { specsOf } from '../../../agent-container/loop/tool-specs.ts';
import { TOOLS } from '../../../agent-container/tools/all.ts';
import { Transcript } from '../../../agent-container/loop/transcript.ts';
import { PromptCache, type InputUsage } from '../model/cache.ts';
import { tokensOf, type Segment } from '../model/conversation.ts';

/*
 * What a run would have cost with other policies for its context. The conversation is that of a real run, whole; the
 * cache is the model server's, by exact prefix.
 */

/** What a run cost. `cached`: the share of all prompts that was read from the cache. */
export type Cost = { usd: number; cached: number; requests: number };

type Usage = { input: number; write: number; read: number; output: number };
/** Dollars for a million tokens, of Claude Opus 5.5. */
const PRICE: Usage = { input: 4, write: 5, read: 0.2, output: 20 };
const SUMMARY_AT = 160_000;
const SUMMARY_TOKENS = 3_000;
const CLEAR_AT = 100_000;
const CLEAR_KEEP = 6;
const CLEARED = JSON.stringify({ type: 'tool_result', content: '[cleared]' });
const MARK = { type: 'ephemeral' } as const;

/** One block of the conversation. `calls`: how many results of tools precede it. */
type Part = { text: string; is_result: boolean };
/** The parts before each answer, and what the answer had in output tokens. */
type Step = { parts: number; output: number };
type Story = { head: Part[]; parts: Part[]; steps: Step[] };

function costOf(usages: Usage[]): Cost {
  const sum = (name: keyof Usage) => usages.reduce((total, usage) => total + usage[name], 0);
  const usd = Object.entries(PRICE).reduce(
    (total, [name, price]) => total + (price * sum(name as keyof Usage)) / 1e6,
    0,
  );
  return { usd, cached: sum('read') / (sum('read') + sum('write') + sum('input')), requests: usages.length };
}

/** What a run has cost as it was. */
export function costOfRun(events: WorkerEvent[]): Cost {
  const usages = events.flatMap((event) => {
    if (event.type !== 'turn.finished') return [];
    const { input_tokens, cache_write_tokens, cache_read_tokens, output_tokens } = event.body.usage;
    return [{ input: input_tokens, write: cache_write_tokens, read: cache_read_tokens, output: output_tokens }];
  });
  return costOf(usages);
}

/** The same conversation without any summary in it. */
export function storyOf(events: WorkerEvent[]): Story {
  const transcript = new Transcript();
  const steps: Step[] = [];
  for (const event of events) {
    if (event.type === 'turn.finished' && event.body.replaces_messages !== undefined) continue;
    if (event.type === 'input.added' && event.body.source === 'harness') continue;
    if (event.type === 'turn.finished')
      steps.push({ parts: blocksOf(transcript).length, output: event.body.usage.output_tokens });
    transcript.apply(event);
  }
  const head = [specsOf(TOOLS), transcript.system].map((part) => ({ text: JSON.stringify(part), is_result: false }));
  return { head, parts: partsOf(transcript), steps };
}

function partsOf(transcript: Transcript): Part[] {
  return blocksOf(transcript).map((block) => ({
    text: JSON.stringify(block),
    is_result: block.type === 'tool_result',
  }));
}

function blocksOf(transcript: Transcript) {
  return transcript.messages().flatMap(({ content }) => content);
}

/** Asks for each answer of a story. The parts that the API sees change with a policy. */
class Simulation {
  readonly #cache = new PromptCache();
  readonly #head: Part[];
  readonly usages: Usage[] = [];
  #marked = 0;

  constructor(head: Part[]) {
    this.#head = head;
  }

  request(parts: Part[], output: number): void {
    const all = [...this.#head, ...parts];
    const segments = all.map(({ text }, i): Segment => {
      return { text, mark: i === this.#head.length - 1 || i === this.#marked ? MARK : undefined };
    });
    const usage: InputUsage = this.#cache.use('m', segments, MARK);
    this.#marked = all.length - 1;
    const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens } = usage;
    this.usages.push({
      input: input_tokens,
      write: cache_creation_input_tokens,
      read: cache_read_input_tokens,
      output,
    });
  }

  tokens(parts: Part[]): number {
    return [...this.#head, ...parts].reduce((sum, { text }) => sum + tokensOf(text), 0);
  }
}

/** `clearing`: each request clears all but the newest results; or only again once the rest is too long; or never. */
export type Policy = { summary: boolean; clearing: 'never' | 'slides' | 'steps' };

/** What the story costs where the API keeps its context short by itself. */
export function simulate({ head, parts, steps }: Story, { summary, clearing }: Policy): Cost {
  const simulation = new Simulation(head);
  const cleared = new Set<Part>();
  let prefix: Part[] = [];
  let from = 0;
  for (const step of steps) {
    const raw = parts.slice(from, step.parts);
    const view = () => [...prefix, ...raw.map((part) => (cleared.has(part) ? { ...part, text: CLEARED } : part))];
    const size = clearing === 'slides' ? simulation.tokens([...prefix, ...raw]) : simulation.tokens(view());
    if (clearing !== 'never' && size > CLEAR_AT)
      for (const part of raw.filter(({ is_result }) => is_result).slice(0, -CLEAR_KEEP)) cleared.add(part);
    if (summary && simulation.tokens(view()) > SUMMARY_AT) {
      simulation.request(view(), SUMMARY_TOKENS);
      prefix = [{ text: 'x'.repeat(SUMMARY_TOKENS * 4), is_result: false }];
      from = step.parts;
      simulation.request(prefix, step.output);
    } else simulation.request(view(), step.output);
  }
  return costOf(simulation.usages);
}
