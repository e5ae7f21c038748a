import { serve } from '../../coordinator/main.ts';
import { chooseRunner } from '../../coordinator/workers/choice/choose-runner.ts';

/* The coordinator as `npm start` runs it, with the TCP port for workers open besides, as a runner for other machines would have it. */
await serve({
  openRunner: async (context) => {
    await context.listeners.listenOnTcp();
    return chooseRunner(context);
  },
});
