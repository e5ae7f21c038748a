import type { GitServer, Intercept } from '../../git-server.ts';
import { Actions } from '../actions.ts';
import { Render } from './render.ts';
import { GiteaWebhooks } from './webhooks.ts';

/** Gitea in memory: what is there, what happens there, and what a test may look at and change. */
export class Gitea extends Actions {
  render: Render;
  readonly webhooks: GiteaWebhooks;
  /** Answers that Gitea's description of its API does not allow. */
  readonly faults: string[] = [];
  /** Answers requests in the stand-in's place, git's too. True: it has. */
  intercept: Intercept | undefined;
  /** As Gitea before 1.26, and Forgejo: threads cannot be answered or resolved by a call. */
  is_old = false;
  /** How many entries it gives at once at most, as `MAX_RESPONSE_ITEMS` of its settings says. */
  page_items_max = 50;
  /** What it says in place of how many reviews there are. */
  reviews_total: string | undefined;

  constructor(git_server: GitServer) {
    super(git_server);
    this.render = new Render(this.origin);
    this.webhooks = new GiteaWebhooks(this, this.render);
  }
}
