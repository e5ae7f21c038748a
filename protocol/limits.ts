import { FORGE_LIMITS } from './forge-limits.ts';

/**
 * The limits that both sides of a connection must know. Each name ends in its unit. A side may be stricter, never
 * more lenient.
 */
export const LIMITS = {
  /** A JSON body of the public API: prompts, messages, projects. */
  request_body_bytes_max: 256 * 1024,
  /**
   * The structure of any JSON body: its nesting depth, the elements of one array, the keys of one object, and the
   * values and keys of the whole body. It is counted before the body is parsed.
   */
  body_depth_max: 200,
  body_elements_max: 100_000,
  body_keys_max: 2_000,
  request_body_nodes_max: 2_000,
  callback_body_nodes_max: 250_000,
  llm_body_nodes_max: 500_000,
  /**
   * What bodies may take in the long run, for each address of the public API and for each task, and at once. The time
   * that it takes to check them counts too: a quarter of a CPU.
   */
  request_bytes_per_s_max: 1024 * 1024,
  request_burst_bytes_max: 8 * 1024 * 1024,
  /** As slowly as a body of the public API may come: a phone at the edge of a network sends about as much. */
  request_bytes_per_s_min: 1024,
  callback_bytes_per_s_max: 16 * 1024 * 1024,
  callback_burst_bytes_max: 64 * 1024 * 1024,
  /** As slowly as a body of a worker may come: one on another machine shares its line with the work. */
  worker_bytes_per_s_min: 64 * 1024,
  llm_bytes_per_s_max: 4 * 1024 * 1024,
  llm_burst_bytes_max: 128 * 1024 * 1024,
  /** The prompt of a task, or one message to it. */
  text_chars_max: 32_000,
  /** A repository's address as a person pastes it. It may be a long link to one of its pages. */
  repo_address_chars_max: 2_000,
  /** A project's setup or verify command. */
  command_chars_max: 4_000,
  /** The items on one page of a list. */
  page_items_max: 200,
  page_items_default: 50,
  /** A page of events ends early at this size. It has one event at least. */
  page_bytes_max: 4 * 1024 * 1024,
  /** The text of a search. Its first ten words count. */
  search_chars_max: 200,
  /** A body above this is cut where short bodies are asked for, and so are a task's prompt and summary in lists. */
  short_body_bytes_max: 4 * 1024,
  /** The queued tasks of one user, and the messages to one task that its worker has not read yet. */
  queued_tasks_per_user_max: 1000,
  pending_messages_max: 100,
  /** The messages of one task in all. Each one may be 32,000 characters, and is kept twice. */
  messages_per_task_max: 2_000,
  /** The messages that a worker takes with one call. */
  messages_per_take_max: 25,
  projects_per_user_max: 1000,
  /** The schedules of one person. */
  schedules_per_user_max: 200,
  cron_chars_max: 200,
  /** The shortest time between two runs of a schedule. */
  schedule_interval_ms_min: 5 * 60_000,
  /** A schedule pauses once this many of its runs in a row have failed or were refused. */
  schedule_failures_max: 3,
  /** The newest runs of a schedule that are kept, with those that started nothing. */
  schedule_runs_kept_max: 500,
  /** The options of one question, and the length of one. */
  options_max: 8,
  option_chars_max: 200,
  /** The hosts that one task may ask for. Others are refused without a question. */
  host_needs_per_task_max: 20,

  /** One attachment; those of one task; and all of one person. */
  attachment_bytes_max: 25 * 1024 * 1024,
  attachment_bytes_per_task_max: 100 * 1024 * 1024,
  attachment_bytes_per_user_max: 1024 * 1024 * 1024,
  /** The attachments of one prompt or message, and of one task. */
  attachments_per_message_max: 10,
  attachments_per_task_max: 20,
  /** The uploads of one person that were not sent, and how long each is kept: longer than an idempotency key. */
  attachments_unsent_max: 200,
  attachment_unsent_s: 8 * 24 * 3600,
  /** The uploads of one person, or the downloads of one task's worker, that may be in progress at once. */
  attachments_at_once_max: 4,
  /** A picture with more pixels is not decoded to be shown. */
  shown_picture_pixels_max: 50_000_000,

  /** One event as JSON. A worker shortens a longer event before it numbers it. */
  event_bytes_max: 1024 * 1024,
  /** The nesting depth of an event's body. */
  event_depth_max: 100,
  /**
   * The quotas of events, of one attempt and of all attempts of a task together: how many, and the bytes that they take
   * in the log (their bodies, and `event_row_bytes` for each). Above one the attempt is ended with `log_full`. A
   * server's settings may say otherwise.
   */
  attempt_log_bytes_max: 256 * 1024 * 1024,
  attempt_events_max: 500_000,
  task_log_bytes_max: 1024 * 1024 * 1024,
  task_events_max: 2_000_000,
  event_row_bytes: 200,
  /** Events in one callback. */
  events_per_post_max: 500,
  /** Deltas in one callback. A worker drops deltas that do not fit. */
  deltas_per_post_max: 500,
  /** The whole body of one callback. */
  callback_body_bytes_max: 4 * 1024 * 1024,
  /** The callbacks of a task that may be in progress at once. A worker makes one of each kind at a time. */
  callbacks_at_once_max: 8,
  /** The unified diffs in a worker's result, together. A longer diff is cut, and `diff_truncated` is true. */
  diff_bytes_max: 2 * 1024 * 1024,
  /** A diff that has the whole of each changed file. A longer one has three lines around each change. */
  diff_context_bytes_max: 256 * 1024,
  summary_chars_max: 16_000,
  /** An assignment. It contains the transcript of the earlier attempts. */
  assignment_bytes_max: 64 * 1024 * 1024,
  /** How often the worker of a task may fetch its assignment. */
  assignments_per_minute_max: 20,
  /**
   * The transcript of an assignment, with 100 bytes for each event beside its body. A longer one loses its images and
   * documents; one that is too long even so is not resumed.
   */
  transcript_bytes_max: 32 * 1024 * 1024,

  /** A request to the Claude API through the model proxy. The API's own limit is 32 MB. */
  llm_body_bytes_max: 32 * 1024 * 1024,
  /** The model requests of a task that may be in progress at once. */
  llm_requests_at_once_max: 4,
  /** The model requests of a task in a minute, with those that are refused or only count tokens. */
  llm_requests_per_minute_max: 300,
  /** The body of one git request: the pack of a push, or the request of a fetch. */
  git_pack_bytes_max: 512 * 1024 * 1024,
  git_commands_bytes_max: 64 * 1024,
  /** The list of a repository's refs, where the coordinator reads it itself. */
  git_refs_bytes_max: 32 * 1024 * 1024,
  /** What a push to a branch that a person named may bring. */
  named_branch_pack_bytes_max: 64 * 1024 * 1024,
  /** The objects of a pack that the coordinator itself reads. */
  checked_pack_objects_max: 50_000,
  /** The pushes whose packs the coordinator itself reads at once, one of each task, and how long each may take. */
  checked_pushes_at_once_max: 8,
  checked_push_ms: 10 * 60_000,
  git_commands_max: 20,
  /** The git requests of a task that may be in progress at once. */
  git_requests_at_once_max: 8,
  /**
   * Git LFS: the body of a batch request and of a forge's answer, the objects of one batch, one object, and what one
   * attempt may move of all objects. How long one object may take, and how many of a task may be on their way at once.
   */
  lfs_batch_bytes_max: 64 * 1024,
  lfs_answer_bytes_max: 1024 * 1024,
  lfs_objects_per_batch_max: 100,
  lfs_object_bytes_max: 1024 * 1024 * 1024,
  lfs_attempt_bytes_max: 4 * 1024 * 1024 * 1024,
  lfs_transfer_ms: 30 * 60_000,
  lfs_transfers_at_once_max: 8,
  /** The open tunnels of a task through the forward proxy. */
  egress_tunnels_max: 64,
  /** The refused tunnels of a task. Above it all its tunnels are refused until some time has passed. */
  egress_refusals_per_minute_max: 60,
  /** The refused pushes of a task. Above it all its pushes are refused until some time has passed. */
  git_refusals_per_minute_max: 60,
  egress_idle_ms: 120_000,

  /** The repositories of one task. */
  repositories_max: 5,

  /** How long a repository may take to answer when a project is made or changed. */
  repository_check_ms: 10_000,
  /** The repository checks of one user that may be in progress at once. One more ends the oldest. */
  repository_checks_at_once_max: 4,

  /** One frame from a client on the socket. */
  socket_frame_bytes_max: 16 * 1024,
  /** The open sockets of one user. One more closes the one that was silent for longest. */
  sockets_per_user_max: 32,
  /**
   * The unsent bytes of one socket. Above it the live feed stops, and the client gets the events from the log at its
   * own pace.
   */
  socket_buffer_bytes_max: 512 * 1024,
  /** How long a socket's buffer may stay full before the socket is closed. */
  socket_stalled_ms: 60_000,
  /** The errands whose full log one socket may follow. */
  socket_logs_max: 8,
  /** How often the light feed tells of changes. Those in between are told as one. */
  light_feed_ms: 1_000,
  /** How long a client may take to subscribe before its socket is closed. */
  socket_subscribe_ms: 15_000,
  /** The subscriptions of one user, over all their sockets. Each one replays the log. */
  subscribes_per_minute_max: 600,
  socket_ping_ms: 25_000,
  /** How long after the expiry of its log-in a socket may stay open. A log-in that somebody ends closes it at once. */
  socket_log_in_check_ms: 10_000,

  /** The unused tickets of one user. One more voids their oldest. */
  ws_tickets_per_user_max: 64,
  /** The tickets that one user may ask for. */
  ws_tickets_per_minute_max: 120,
  /** The valid log-ins of one account. One more ends the oldest. */
  sessions_per_user_max: 100,
  /**
   * The log-ins of one account in a day, from each network that it was used from and from all others together; and the
   * links for them. The audit log records each.
   */
  logins_per_day_max: 200,
  /**
   * The unused log-in links of one account: one more voids the oldest. How long one is valid, and how many an account
   * may ask for.
   */
  login_links_per_user_max: 5,
  login_link_s: 600,
  login_links_per_minute_max: 20,
  /** How soon after a log-in somebody without a password may do what else needs one. */
  fresh_login_s: 600,
  /** How long a sign-in with a forge or an identity provider may take, and how large its parts may be. */
  sign_in_s: 600,
  sign_in_flow_chars_max: 4_000,
  sign_in_answer_chars_max: 4_000,
  /** What one address may do in a minute to sign in, and one person to list repositories. */
  sign_ins_per_minute_max: 60,
  repository_searches_per_minute_max: 120,
  /** How often one person may ask how to merge, for a merge, and to mark a draft as ready. */
  merge_methods_per_minute_max: 60,
  linked_accounts_max: 20,
  /** The invitations that have not been used, and how long one may last. */
  invites_max: 50,
  invite_days_max: 30,
  /** The API tokens of one account that have not expired, and how long one may last. */
  api_tokens_per_user_max: 100,
  api_token_days_max: 366,
  /** The part of a client's User-Agent header that is stored. */
  user_agent_chars_max: 200,
  /** How often one log-in may be refreshed. After that the user must log in again. */
  refreshes_per_session_max: 10_000,
  /**
   * The length of an Idempotency-Key, how long it is stored, and the stored keys of one user. One more deletes the
   * oldest.
   */
  idempotency_key_chars_max: 200,
  idempotency_key_s: 7 * 24 * 3600,
  /** The requests by which one person writes something, but does not delete it. */
  writes_per_minute_max: 600,
  /** What one person may do in a day that is recorded in the audit log, and what their workers may for each action. */
  audited_acts_per_day_max: 500,
  audited_facts_per_day_max: 2_000,
  idempotency_keys_per_user_max: 10_000,
  /** The answers that are kept for one person's keys. The oldest above it are forgotten, within some minutes. */
  idempotency_answer_bytes_max: 64 * 1024 * 1024,

  /** The devices, webhooks and ntfy topics of one person. */
  channels_per_user_max: 30,
  channel_url_chars_max: 2_000,
  /** How long a device counts as showing an errand after it said so. */
  presence_ms: 45_000,
  /** The most that one channel is sent in a minute, and the tests of all channels of a person. */
  notifications_per_minute_max: 30,
  channel_tests_per_minute_max: 6,
  /** How long the other side may take to answer, and how much of its answer is read. */
  notification_answer_ms: 10_000,
  notification_answer_bytes_max: 4 * 1024,
  /** The notifications that are sent at once: to everybody, and to one person. */
  notifications_at_once_max: 16,
  notifications_per_user_at_once_max: 4,
  /** A notification that could not be delivered for this long is given up. */
  notification_ttl_s: 24 * 3600,

  ...FORGE_LIMITS,

  /** A worker that makes no call for this long loses its attempt. */
  lease_ms: 60_000,
  /** How often a worker sends a heartbeat. */
  heartbeat_ms: 10_000,
  /** A worker that makes no call for this long is shown as silent: it missed two heartbeats. */
  silent_ms: 25_000,
  /** A model or command that sends nothing for this long is shown as silent. */
  quiet_ms: 10_000,
  /**
   * An attempt that makes no progress for this long is ended, even if its worker calls. A wait with an `until` may
   * last longer.
   */
  stall_ms: 10 * 60_000,
  /** How long a wait may last after its `until`. */
  wait_grace_ms: 120_000,
  task_token_s: 1800,
  /** How long after its expiry a heartbeat may still exchange the token of an active attempt. */
  task_token_grace_s: 24 * 3600,
  /**
   * A worker that does not respond to a cancel within this time is killed. It is then gone within two seconds, even
   * on a busy machine.
   */
  cancel_grace_ms: 1_200,
  /** How long a worker that responded to a cancel may take to push the work in progress and report. */
  cancel_push_ms: 10_000,
} as const;
