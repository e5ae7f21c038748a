import { z } from 'zod';
import { PlanItem } from '../../protocol/task.ts';
import { defineTool } from './tool.ts';

export const updatePlan = defineTool({
  name: 'update_plan',
  description:
    'Sets the plan that the person sees as a checklist: all its items, each time. Use it for work of several steps; keep one ' +
    'item in progress, and mark items as done as soon as they are.',
  input: z.strictObject({ items: z.array(z.strictObject(PlanItem.shape)).max(50) }),
  run: async ({ items }, { report }) => {
    await report.emit({ type: 'plan.updated', body: { items } });
    const done = items.filter(({ status }) => status === 'done').length;
    return `The plan is set: ${done} of ${items.length} done.`;
  },
});
