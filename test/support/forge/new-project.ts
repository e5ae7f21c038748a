import type { ProjectRow } from '../../../coordinator/domain/project.ts';
import { newId } from '../../../protocol/ids.ts';

/** A project that reacts to mentions and follows up, and opens no pull requests by itself. */
export function newProject(fields: Pick<ProjectRow, 'user_id' | 'repo_url'> & Partial<ProjectRow>): ProjectRow {
  const none = {
    base_branch: null,
    setup_command: null,
    verify_command: null,
    model: null,
    effort: null,
    instructions: null,
    image: null,
  };
  const limits = { max_tokens: null, budget_usd: null, max_turns: null, extra_models: [], egress_hosts: [] };
  const switches = { ask_before_push: false, ask_at_budget: false, mentions: true, follow_up: true };
  const secrets = { secrets: null, has_git_token: false, secret_names: [], env: {}, allowed_hosts: [] };
  const pulls = { pull_requests: 'none' as const, pull_author: 'app' as const };
  const at = new Date().toISOString();
  const names = { id: newId(), name: newId(), egress: 'none' as const, created_at: at, updated_at: at };
  return { ...none, ...limits, ...switches, ...secrets, ...pulls, ...names, ...fields };
}
