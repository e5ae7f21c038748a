import type { ProjectRow } from '../../coordinator/domain/project.ts';
import { newId } from '../../protocol/ids.ts';

/** A project of this person without any wishes of its own, but for those of `given`. */
export function projectRow(user_id: string, given: Partial<ProjectRow> = {}): ProjectRow {
  const at = new Date().toISOString();
  return {
    id: newId(),
    user_id,
    name: 'p',
    repo_url: 'errand://sample',
    base_branch: null,
    setup_command: null,
    verify_command: null,
    instructions: null,
    image: null,
    model: null,
    effort: null,
    extra_models: [],
    max_tokens: null,
    budget_usd: null,
    max_turns: null,
    egress: 'registries',
    egress_hosts: [],
    allowed_hosts: [],
    ask_before_push: false,
    pull_requests: 'none',
    pull_author: 'app',
    ask_at_budget: false,
    mentions: false,
    follow_up: false,
    env: {},
    secrets: null,
    has_git_token: false,
    secret_names: [],
    created_at: at,
    updated_at: at,
    ...given,
  };
}
