import type { ExecutionContext } from 'ava';
import { join } from 'node:path';
import { ended, FORGE, startErrand, type RunnerOptions } from '../support/errand.ts';
import { git } from '../support/git-server.ts';
import { addLfsServer, pointerOf } from '../support/lfs-server.ts';
import { until } from '../support/until.ts';
import { byConversation, textOf } from './scenario.ts';

/** One that shows no diff of the files. */
const ATTRIBUTES = '*.psd filter=lfs -diff merge=lfs -text\n';
const [OLD, NEW, OTHER] = ['the old picture\n', 'the new picture\n', 'another picture\n'];
/** Commits a version that is not the last one. */
const COMMAND = `cat a.psd && echo draft > a.psd && git commit -qam draft && printf '${NEW.trim()}\\n' > a.psd && printf '${OTHER.trim()}\\n' > ../web/b.psd && git status --short`;

/** An errand that changes files of Git LFS in two repositories, and may push them once its person has approved it. */
export async function lfsFiles(t: ExecutionContext, start: (t: ExecutionContext) => Promise<RunnerOptions>) {
  const whole = await startErrand(t, {
    ...(await start(t)),
    model: byConversation([
      { tools: [{ name: 'run_command', input: { command: COMMAND } }] },
      { text: 'New pictures' },
    ]),
  });
  const lfs = addLfsServer(whole.forge, FORGE);
  lfs.put(OLD);
  const ann = await whole.person('ann');
  const project_id = await whole.project(ann, 'pictures', { '.gitattributes': ATTRIBUTES, 'a.psd': pointerOf(OLD) });
  const web = await whole.project(ann, 'web', { '.gitattributes': ATTRIBUTES });
  const { id } = await ann.api.call('createTask', {
    body: { prompt: 'Draw', project_id, repositories: [{ project_id: web }], ask_before_push: true },
  });
  const need = await until('it asks', async () => (await ann.api.call('getTask', { params: { id } })).needs?.[0]);
  const stored = () => [...lfs.objects.values()].map(String).sort();
  t.deepEqual(stored(), [OLD], 'nothing is uploaded before it was approved');
  const said = whole.model.requests.flatMap(({ body }) => (body ? [textOf(body)] : [])).at(-1) ?? '';
  t.regex(said, /the old picture\\n/, 'the clone has the content');
  await ann.api.call('answerNeed', { params: { id, need_id: need.id }, body: { choose: ['approve'] } });
  const done = await ended(ann, id);
  t.is(done.status, 'succeeded', done.detail ?? '');
  t.deepEqual(stored(), [OLD, NEW, OTHER].sort());
  const at = (name: string, path: string) =>
    git(join(whole.forge.root, `${name}.git`), 'show', `${done.branch}:${path}`);
  t.is(`${await at('pictures', 'a.psd')}\n`, pointerOf(NEW));
  t.is(`${await at('web', 'b.psd')}\n`, pointerOf(OTHER));
  t.false(JSON.stringify([whole.lines, said]).includes(lfs.token));
}
