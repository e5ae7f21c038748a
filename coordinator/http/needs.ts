import { deviceName } from '../../protocol/device-name.ts';
import type { Config } from '../base/config.ts';
import { needView } from '../domain/need.ts';
import { answerNeed } from '../tasks/answer-need.ts';
import { requireScope } from './require-scope.ts';
import type { Handlers } from './router.ts';

type NeedHandlerDependencies = { config: Pick<Config, 'member_budget_usd_max'> };

/** The decisions that tasks need. */
export function needHandlers({ config }: NeedHandlerDependencies): Pick<Handlers, 'answerNeed'> {
  return {
    answerNeed: ({ who, params, body, client, write, audit }) =>
      write((tx) => {
        const by = deviceName(client.user_agent) ?? null;
        const need = answerNeed(tx, config, who.user_id, params, body, by);
        // The project allows the host from then on.
        if (need.kind === 'host' && body.choose.includes('project'))
          requireScope(who, 'projects', 'To allow the host for the whole project, not once,');
        audit(tx, { action: 'need.answered', subject: params.id, detail: { kind: need.kind, choose: body.choose } });
        return needView(need);
      }),
  };
}
