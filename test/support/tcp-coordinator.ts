import { serve } from '../../coordinator/main.ts';
import { chooseRunner } from '../../coordinator/workers/choice/choose-runner.ts';

/* The coordinator as `npm start` runs it, but it also listens on TCP for workers, as for a runner on other machines. */
void serve({
  openRunner: async (context) => {
    await context.listeners.listenOnTcp();
    return chooseRunner(context);
  },
});
