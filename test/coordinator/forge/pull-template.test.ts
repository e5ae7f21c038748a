import test from 'ava';
import type { ForgeKind } from '../../../protocol/forges.ts';
import { forgeScene } from '../../support/forge/scene.ts';

/** Files of a repository, and the one that is its template. Each file's text is its path. */
const CASES: Record<ForgeKind, [files: string[], template: string | undefined][]> = {
  github: [
    [['docs/PULL_REQUEST_TEMPLATE.md'], 'docs/PULL_REQUEST_TEMPLATE.md'],
    [['.github/Pull_Request_Template.MD'], '.github/Pull_Request_Template.MD'],
    [['pull_request_template.txt'], 'pull_request_template.txt'],
    [['docs/pull_request_template', 'README.md'], 'docs/pull_request_template'],
    [['docs/pull_request_template.md', 'PULL_REQUEST_TEMPLATE.md'], 'PULL_REQUEST_TEMPLATE.md'],
    [['PULL_REQUEST_TEMPLATE.md', '.github/pull_request_template.txt'], '.github/pull_request_template.txt'],
    [['.github/PULL_REQUEST_TEMPLATE/one.md', '.gitea/pull_request_template.md', 'docs'], undefined],
  ],
  gitea: [
    [['PULL_REQUEST_TEMPLATE.md', '.gitea/PULL_REQUEST_TEMPLATE.md'], 'PULL_REQUEST_TEMPLATE.md'],
    [['.gitea/PULL_REQUEST_TEMPLATE.md', '.github/PULL_REQUEST_TEMPLATE.md'], '.gitea/PULL_REQUEST_TEMPLATE.md'],
    [['.github/PULL_REQUEST_TEMPLATE.md', 'docs/README.md'], '.github/PULL_REQUEST_TEMPLATE.md'],
    [['.gitea/pull_request_template.md'], '.gitea/pull_request_template.md'],
    [['docs/pull_request_template.md'], 'docs/pull_request_template.md'],
    [['PULL_REQUEST_TEMPLATE.md', '.forgejo/pull_request_template.md'], '.forgejo/pull_request_template.md'],
    [['Pull_Request_Template.md', 'pull_request_template.txt', '.gitea/README.md'], undefined],
  ],
};
/** The root, each folder that may have it and is there, and the file. */
const CALLS_MAX: Record<ForgeKind, number> = { github: 4, gitea: 6 };

for (const kind of ['github', 'gitea'] as const) {
  test(`${kind}: the template for pull requests is found where the forge itself looks for it`, async (t) => {
    const { forge, client, ada, access } = await forgeScene(t, kind);
    const own = access(ada);
    let calls = 0;
    forge.intercept = () => ++calls < 0;
    for (const [index, [files, template]] of CASES[kind].entries()) {
      const name = `case-${index}`;
      await forge.world.addRepository({
        owner: ada,
        name,
        files: Object.fromEntries(files.map((path) => [path, `${path}\n`])),
      });
      calls = 0;
      const found = await client.pullTemplate(own, { owner: 'ada', name });
      t.is(found, template && `${template}\n`, files.join(', '));
      t.true(calls <= CALLS_MAX[kind], `${calls} calls`);
    }
  });
}
