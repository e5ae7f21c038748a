import assert from 'node:assert/strict';
import type { Rule } from './rule.ts';
import { addTask, exits, hand, healthy, keptTheRules, reported, type WorkerUnderTest } from './worker-calls.ts';

/** Rules about the messages of people. Each needs a new worker. */
export const MESSAGE_RULES: readonly Rule<WorkerUnderTest>[] = [
  {
    name: 'where it says takes_messages, it takes each message before it adds it: as it is then, and none that was withdrawn',
    check: async ({ source, prompts, work_ms }) => {
      const worker = await source.start();
      await healthy(worker);
      const task = addTask(worker, prompts.short);
      const [changed, withdrawn] = [task.say('Be brief.'), task.say('Be loud.')];
      const assignment = task.assignment();
      task.change(changed.id, { text: 'Be clear.' });
      task.change(withdrawn.id, null);
      await hand(worker, task, assignment);
      await exits(worker, 0, work_ms);
      reported(task);
      keptTheRules(task);
      const [start] = task.events;
      // It adds them as they came.
      if (start?.type !== 'agent.started' || start.body.takes_messages !== true) return;
      const added = (id: string) =>
        task.events.flatMap(({ type, body }) =>
          type === 'input.added' && body.message_id === id ? [`'${body.text}'`] : [],
        );
      assert.ok(added(withdrawn.id).length === 0, 'a message that was withdrawn before it took it was added');
      const texts = added(changed.id).join(', ');
      assert.ok(texts === "'Be clear.'", `it added ${texts || 'nothing'}; the message was 'Be clear.' when it took it`);
    },
  },
];
