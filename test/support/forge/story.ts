import type { ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import type { ForgeKind } from '../../../protocol/forges.ts';
import type { TaskDetail } from '../../../protocol/task.ts';
import type { Api } from '../api.ts';
import type { Turn } from '../model/server.ts';
import { until } from '../until.ts';
import { openBrowser } from '../web/browser.ts';
import { ErrandAtForge } from './errand-at-forge.ts';
import { isPull, type Issue, type Person, type PullIssue, type Repository } from './world.ts';

const run = (command: string): Turn => ({ tools: [{ name: 'run_command', input: { command } }] });

/** What the model does: its first work, then what a review asks for, then what a failed check shows. */
const TURNS: Turn[] = [
  run("sed -i 's/a - b/a + b/' add.js"),
  { text: 'Add what is to be added\n\nThe minus sign was a slip.' },
  run("sed -i 's/const add/const sum/' add.js"),
  { text: 'Call it sum\n\n[1] fixed: it is called sum now.' },
  run("sed -i 's/add/sum/g' add.test.js; sed -i 's/sum.js/add.js/' add.test.js"),
  { text: 'Call it sum in its test too\n\n[2] fixed: the test had the old name.' },
];

/** A person with a phone, their repository at a forge with an issue that bob has opened, and an errand of theirs. */
export class Story {
  readonly at: ErrandAtForge;
  readonly page: Page;
  /** Errors of the page, and breaches of its policy. */
  readonly faults: string[];
  readonly ann: Person;
  readonly bob: Person;
  readonly repository: Repository;
  readonly issue: Issue;
  /** Lets the model begin. */
  readonly begin: () => void;
  #api: Api | undefined;

  static async start(t: ExecutionContext, kind: ForgeKind, files: Record<string, string>): Promise<Story> {
    const begun = Promise.withResolvers<undefined>();
    const at = await ErrandAtForge.start(t, kind, {
      handler: async (_request, n) => {
        await begun.promise;
        return TURNS[n] ?? { text: 'There is no turn left.' };
      },
    });
    const begin = () => begun.resolve(undefined);
    t.teardown(begin);
    const { world } = at.forge;
    const [ann, bob] = [world.addPerson('ann'), world.addPerson('bob')];
    const repository = await at.addRepository(ann, 'adder', files);
    repository.permissions.set(bob, 'write');
    await at.addRepository(ann, 'blog', files);
    const issue = at.forge.openIssue(repository, bob, { title: 'The sum is wrong' });
    const { open } = await openBrowser(t);
    const opened = await open();
    // An attempt of a real worker is between two steps.
    opened.page.setDefaultTimeout(60_000);
    return new Story({ at, ann, bob, repository, issue, begin, ...opened });
  }

  private constructor(parts: Pick<Story, 'at' | 'page' | 'faults' | 'ann' | 'bob' | 'repository' | 'issue' | 'begin'>) {
    this.at = parts.at;
    this.page = parts.page;
    this.faults = parts.faults;
    this.ann = parts.ann;
    this.bob = parts.bob;
    this.repository = parts.repository;
    this.issue = parts.issue;
    this.begin = parts.begin;
  }

  /** The only pull request at the forge. */
  get pull(): PullIssue {
    const [pull, ...others] = this.repository.issues.filter(isPull);
    if (!pull || others.length > 0) throw new Error(`There are ${others.length} pull requests beside the first.`);
    return pull;
  }

  /** The only errand, once the server has it. */
  async errand(): Promise<{ api: Api; id: string }> {
    this.#api ??= (await this.at.signIn(this.ann)).api;
    const api = this.#api;
    const { id } = await until('the server has the errand', async () => (await api.call('listTasks', {})).items[0]);
    return { api, id };
  }

  /** The errand, once it has succeeded with a commit that is not `before`. */
  async succeeded(before: string | null): Promise<TaskDetail> {
    const { api, id } = await this.errand();
    const done = async () => {
      const task = await api.call('getTask', { params: { id } });
      if (task.status === 'failed') throw new Error(task.detail ?? 'failed');
      return task.status === 'succeeded' && (task.result?.commit ?? null) !== before && task;
    };
    return until(`the errand has succeeded with another commit than ${before}`, done, 60_000);
  }
}
