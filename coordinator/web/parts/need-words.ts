import type { Need, NeedOption } from '../../../protocol/needs.ts';
import type { Task } from '../../../protocol/task.ts';
import { format, t } from './speech.ts';

/** What is asked, in the app's language; a question in the agent's own words. */
export function needWords({ kind, question, host }: Need, { usage, budget_usd }: Task): string {
  switch (kind) {
    case 'question':
      return question;
    case 'push':
      return t.needs.push;
    case 'host':
      return t.needs.host(host ?? '');
    case 'budget':
      return t.needs.budget(t.errand.of(format.money(usage.cost_usd), format.money(budget_usd)));
    case 'follow_up':
      return t.needs.follow_up;
  }
}

/** The words of an option: the agent's own, or those of the app for what the server offers. */
export function optionWords({ kind }: Pick<Need, 'kind'>, { value, label }: NeedOption): string {
  return kind === 'question' ? label : (t.needs.option[value] ?? label);
}

/** The words of the options that an answer names. */
export function choiceWords(need: Need, choose: readonly string[]): string[] {
  return need.options.filter(({ value }) => choose.includes(value)).map((option) => optionWords(need, option));
}
