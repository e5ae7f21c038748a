/**
 * Every bound that both sides of a wire must know, named with its unit last. A side may be stricter, never laxer.
 */
export const LIMITS = {
  /** A public JSON body: prompts, messages, projects. */
  request_body_bytes_max: 256 * 1024,
  /** What a person says at once: the prompt of a task, or a message to it. */
  text_chars_max: 32_000,
  /** A repository's address as it is pasted: a link to one of its pages may be long. */
  repo_address_chars_max: 2_000,
  /** A setup or verify command of a project. */
  command_chars_max: 4_000,
  /** A page of any list. */
  page_items_max: 200,
  page_items_default: 50,
  /** A page of events ends early past this; it holds one event at least. */
  page_bytes_max: 4 * 1024 * 1024,
  /** What one user may have waiting: tasks in the queue, and messages to one task that its worker has not heard. */
  queued_tasks_per_user_max: 1000,
  pending_messages_max: 100,
  projects_per_user_max: 1000,

  /** One event as JSON. A worker shortens what is longer before it numbers the event. */
  event_bytes_max: 1024 * 1024,
  /** How deep an event's body may be nested. */
  event_depth_max: 100,
  /** Events in one callback. */
  events_per_post_max: 500,
  /** Deltas in one callback. They are relayed, never stored: a worker under pressure drops them. */
  deltas_per_post_max: 500,
  /** One callback's whole body: the events, the deltas, the envelope. */
  callback_body_bytes_max: 4 * 1024 * 1024,
  /** A task's callbacks that may be under way at once. A worker makes one at a time. */
  callbacks_at_once_max: 8,
  /** A worker's result carries the unified diff; past this it is cut and `diff_truncated` says so. */
  diff_bytes_max: 2 * 1024 * 1024,
  summary_chars_max: 16_000,
  /** An assignment: it carries the transcript of the attempts before. */
  assignment_bytes_max: 64 * 1024 * 1024,

  /** A request to the Claude API, carried on. The API's own limit is 32 MB. */
  llm_body_bytes_max: 32 * 1024 * 1024,
  /** A task's model requests that may be under way at once. */
  llm_requests_at_once_max: 4,
  /** One push's pack, and one fetch's request. */
  git_pack_bytes_max: 512 * 1024 * 1024,
  git_commands_bytes_max: 64 * 1024,
  git_commands_max: 20,
  /** A task's git requests that may be under way at once. */
  git_requests_at_once_max: 8,
  /** Tunnels of the forward proxy that one task may hold open. */
  egress_tunnels_max: 64,
  egress_idle_ms: 120_000,

  /** How long a repository may take to answer when a project is made or changed. */
  repository_check_ms: 10_000,
  /** How many of one user's may be asked at once. */
  repository_checks_at_once_max: 4,

  /** A client's frame on the socket. */
  socket_frame_bytes_max: 16 * 1024,
  /** Sockets that one user may hold open. */
  sockets_per_user_max: 32,
  /** What may wait in one socket's buffer before its live feed stops and it is fed from the log. */
  socket_buffer_bytes_max: 512 * 1024,
  /** How long a socket may stay behind with a full buffer before it is closed. */
  socket_stalled_ms: 60_000,
  /** A socket that has not subscribed within this time is closed. */
  socket_subscribe_ms: 15_000,
  socket_ping_ms: 25_000,

  access_token_s: 600,
  refresh_token_s: 60 * 24 * 3600,
  ws_ticket_s: 30,
  /** Log-ins of one account that are good at once; a further one ends the oldest. */
  sessions_per_user_max: 100,
  /** What is kept of a client's User-Agent header. */
  user_agent_chars_max: 200,
  /** How often one log-in may be refreshed before it must be made anew. */
  refreshes_per_session_max: 10_000,
  /** How long an Idempotency-Key may be, how long it is remembered, and how many of one user: past that the oldest is forgotten. */
  idempotency_key_chars_max: 200,
  idempotency_key_s: 7 * 24 * 3600,
  idempotency_keys_per_user_max: 10_000,

  /** A worker that calls nothing for this long has lost its attempt. */
  lease_ms: 60_000,
  /** How often a worker calls when it has nothing to say. */
  heartbeat_ms: 10_000,
  /** A worker that calls nothing for this long is told of as silent: two heartbeats did not come. */
  silent_ms: 25_000,
  /** A model, or a command, of which nothing comes for this long is told of as silent. */
  quiet_ms: 10_000,
  /** A worker that calls, but whose attempt does not move for this long, has lost it: beyond the end of what it waits for, where that has one. */
  stall_ms: 10 * 60_000,
  /** How long past its `until` a wait may last. */
  wait_grace_ms: 120_000,
  task_token_s: 1800,
  /** How long past its expiry the token of a living attempt may still be exchanged by a heartbeat. */
  task_token_grace_s: 24 * 3600,
  /** A worker that has not taken a cancel after this time is killed. With that, it has gone within two seconds on a busy machine too. */
  cancel_grace_ms: 1_200,
  /** One that took it has so long, from then on, to push the work in progress and to report. */
  cancel_push_ms: 10_000,
} as const;
