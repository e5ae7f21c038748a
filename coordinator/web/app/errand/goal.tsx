import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { PlanItem, Task } from '../../../../protocol/task.ts';
import { isEnded } from '../../../../protocol/without-schemas.ts';
import { workedMs } from '../../../client/errand/worked-ms.ts';
import { now } from '../../parts/now.ts';
import { format, t } from '../../parts/speech.ts';
import { s } from '../screen-speech.ts';
import { useSession } from '../../parts/context.ts';
import { doing } from '../../parts/words.ts';

type GoalProps = { task: Task; folded: boolean; onToggle: () => void };

/** What is wanted, how it stands, the plan, and money and time. It folds to two lines while one reads. */
export function Goal({ task, folded, onToggle }: GoalProps): JSX.Element {
  const has_plan = task.plan.length > 0 && !isEnded(task.status);
  return (
    <section class="goal" aria-label={s.errand.goal}>
      <h1>
        <button type="button" class="goal-title" aria-expanded={!folded} onClick={onToggle}>
          <span class={folded ? 'cut' : ''} dir="auto">
            {task.title}
          </span>
        </button>
      </h1>
      <State task={task} />
      {!folded && has_plan && <PlanList plan={task.plan} />}
      {!folded && <Meters task={task} />}
    </section>
  );
}

function State({ task }: { task: Task }): JSX.Element {
  const stops = useSession().acts.asked('stop', task.id);
  const { words, code, since } = doing(task, now.value);
  const ended = isEnded(task.status);
  const why = ended && task.status !== 'succeeded' && words !== t.status[task.status];
  return (
    <div class={`state ${task.status}`}>
      <strong>{stops && !ended ? t.waiting.stopping : ended ? t.status[task.status] : words}</strong>
      {code !== undefined && <code>{code}</code>}
      {why && <span class="why">{words}</span>}
      {since !== undefined && <time>{format.duration(now.value - Date.parse(since))}</time>}
    </div>
  );
}

const MARKS = { done: '✓', in_progress: '◐', pending: '○' } as const;

/** So many steps show as they are. */
const STEPS_MAX = 7;
/** Of more: the step at work, and the next ones. */
const STEPS_SHOWN = 3;

function PlanList({ plan }: { plan: readonly PlanItem[] }): JSX.Element {
  const whole = useSignal(false);
  const cuts = plan.length > STEPS_MAX && !whole.value;
  const [from, end] = cuts ? partOf(plan) : [0, plan.length];
  return (
    <>
      <ul class="plan" aria-label={s.errand.plan}>
        {from > 0 && <Step status="done" text={s.errand.plan_done(from)} />}
        {plan.slice(from, end).map((item, i) => (
          <Step key={from + i} {...item} />
        ))}
      </ul>
      {cuts && (
        <button type="button" class="quiet" onClick={() => (whole.value = true)}>
          {end < plan.length ? s.errand.plan_more(plan.length - end) : s.errand.plan_whole}
        </button>
      )}
    </>
  );
}

/** From where to where a long plan shows: those in front are done. */
function partOf(plan: readonly PlanItem[]): [number, number] {
  const open = plan.findIndex(({ status }) => status !== 'done');
  const from = open < 0 ? plan.length : open;
  const at_work = plan.findLastIndex(({ status }) => status === 'in_progress');
  return [from, Math.min(plan.length, Math.max(from, at_work) + STEPS_SHOWN)];
}

function Step({ text, status }: PlanItem): JSX.Element {
  return (
    <li class={status} aria-current={status === 'in_progress' ? 'step' : undefined}>
      <span aria-hidden="true">{MARKS[status]}</span>
      <span dir="auto">{text}</span>
    </li>
  );
}

/** The money against its bound. The time has no bound that the server tells. */
function Meters({ task }: { task: Task }): JSX.Element {
  const { usage, budget_usd } = task;
  const share = Math.min(1, usage.cost_usd / budget_usd);
  return (
    <div class="meters">
      <div>
        <span>
          {s.errand.money}
          <span>{t.errand.of(format.money(usage.cost_usd), format.money(budget_usd))}</span>
        </span>
        <div class={share > 0.8 ? 'bar near' : 'bar'}>
          <i style={{ inlineSize: `${share * 100}%` }} />
        </div>
      </div>
      <div>
        <span>
          {s.errand.time}
          <span>{format.duration(workedMs(task, now.value))}</span>
        </span>
      </div>
    </div>
  );
}
