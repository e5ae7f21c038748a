import { fill } from '../shapes.ts';
import { notFound, ok, page, repositoryOf, requireRight, type Handlers } from '../call.ts';

/** The check runs and statuses of commits; the runs of Actions, of which each has one job here; and their logs. */
export const checks: Handlers = {
  'GET /repos/{owner}/{repo}/commits/{ref}/check-runs': (call) => {
    const repository = repositoryOf(call);
    requireRight(call, repository, 'checks');
    const runs = repository.checks.filter(({ commit }) => commit === call.params['ref']);
    const { render, check_app } = call.github;
    const { items, headers } = page(call, runs);
    const check_runs = items.map((run) => render.check(repository, run, check_app));
    return ok({ total_count: runs.length, check_runs }, headers);
  },
  'GET /repos/{owner}/{repo}/commits/{ref}/status': (call) => {
    const repository = repositoryOf(call);
    requireRight(call, repository, 'statuses');
    const all = repository.statuses.filter(({ commit }) => commit === call.params['ref']);
    // The newest of each context counts.
    const statuses = [...new Map(all.map((one) => [one.context, one])).values()];
    const failed = statuses.some(({ state }) => state === 'failure' || state === 'error');
    const passed = statuses.length > 0 && statuses.every(({ state }) => state === 'success');
    const { render } = call.github;
    const { items, headers } = page(call, statuses);
    return ok(
      fill('combined-commit-status', {
        sha: call.params['ref'],
        state: failed ? 'failure' : passed ? 'success' : 'pending',
        total_count: statuses.length,
        statuses: items.map((one) => render.status(repository, one)),
        repository: render.repository(repository, 'read', 'minimal-repository'),
      }),
      headers,
    );
  },
  'GET /repos/{owner}/{repo}/actions/runs': (call) => {
    const repository = repositoryOf(call);
    requireRight(call, repository, 'actions');
    const commit = call.query.get('head_sha');
    const jobs = repository.checks.filter((check) => check.log !== null && check.commit === commit).toReversed();
    const { items, headers } = page(call, jobs);
    const runs = items.map(({ id, commit: head_sha, job_of: { workflow: workflow_id, event } }) =>
      fill('workflow-run', { id, head_sha, check_suite_id: id, workflow_id, event }),
    );
    return ok({ total_count: jobs.length, workflow_runs: runs }, headers);
  },
  'GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs': (call) => {
    const repository = repositoryOf(call);
    requireRight(call, repository, 'actions');
    const job = repository.checks.find(({ id, log }) => log !== null && String(id) === call.params['run_id']);
    if (job === undefined) throw notFound();
    return ok({ total_count: 1, jobs: [call.github.render.job(repository, job)] });
  },
  'GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs': (call) => {
    const repository = repositoryOf(call);
    requireRight(call, repository, 'actions');
    const check = repository.checks.find(({ id }) => String(id) === call.params['job_id']);
    if (check === undefined || check.log === null) throw notFound();
    return { status: 302, headers: { location: call.github.logUrl(check) } };
  },
};
