/**
 * What the server says, as types: REST v1, the change event and the MIME type of a job.
 *
 * tests/wire holds an example of each, written by the Python tests; ours decode every one.
 */

import {
  anything,
  date,
  Decoded,
  Decoder,
  flag,
  list,
  nullable,
  number,
  object,
  pair,
  record,
  text,
  withDefault,
  word
} from './decode';

export const STATES = [
  'blocked',
  'scheduled',
  'pending',
  'running',
  'retrying',
  'completed',
  'failed',
  'cancelled',
  'expired',
  'skipped'
] as const;
export type State = (typeof STATES)[number];

export const ROLES = ['waiting', 'running', 'retrying', 'good', 'bad', 'ended'] as const;
export type Role = (typeof ROLES)[number];

const state = word<State>(STATES, 'pending');
export const role = word<Role>(ROLES, 'ended');
const none = withDefault(text, '');

export const bar = object({ label: text, fraction: nullable(number), text });
export type Bar = Decoded<typeof bar>;

export const job = object({
  id: number,
  uuid: text,
  key: text,
  title: text,
  kind: text,
  status: state,
  role,
  headline: text,
  waits_for: nullable(text),
  parameters: text,
  description: none,
  tags: list(text),
  queue: text,
  priority: number,
  attempt: number,
  max_attempts: number,
  epoch: number,
  error: nullable(text),
  bars: list(bar),
  more_bars: number,
  version: text,
  chain: nullable(number),
  batch: nullable(number),
  step: nullable(text),
  schedule: nullable(text),
  service: flag,
  cancelling: flag,
  created_at: date,
  due_at: date,
  started_at: nullable(date),
  finished_at: nullable(date),
  updated_at: date
});
export type Job = Decoded<typeof job>;

export const jobPage = object({ at: date, cursor: text, jobs: list(job), more: flag });
export type JobPage = Decoded<typeof jobPage>;

export const note = object({
  id: number,
  job: number,
  key: text,
  kind: text,
  at: date,
  text: none,
  title: none,
  url: none
});
export type Note = Decoded<typeof note>;

export const changes = object({
  at: date,
  cursor: text,
  reset: flag,
  jobs: list(job),
  gone: list(number),
  topics: list(text),
  notes: list(note),
  more: flag
});
export type Changes = Decoded<typeof changes>;

export const CHANGE_SCHEMA = 'https://schemas.tether-lab.dev/changes/v1';
export const changeEvent = object({ lab: text, from: text, to: text });
export type ChangeEvent = Decoded<typeof changeEvent>;

export const worker = object({
  state: text,
  running: flag,
  pid: nullable(number),
  version: none,
  enabled: flag,
  autostart: flag,
  runners: number
});
export type Worker = Decoded<typeof worker>;

export const trouble = object({
  code: withDefault(text, 'unknown'),
  message: text,
  remedy: none,
  where: none
});
export type Trouble = Decoded<typeof trouble>;

export const lab = object({
  uuid: nullable(text),
  name: text,
  default: flag,
  path: none,
  counts: record(number),
  worker: nullable(worker),
  restricted: withDefault(flag, false),
  error: nullable(trouble)
});
export type Lab = Decoded<typeof lab>;
export const labs = object({ version: text, default: nullable(text), labs: list(lab) });

export const attempt = object({
  epoch: number,
  attempt: number,
  started_at: date,
  finished_at: nullable(date),
  outcome: nullable(text),
  words: text,
  role,
  seconds: nullable(number),
  error_type: nullable(text),
  error: nullable(text),
  traceback: nullable(text),
  line: nullable(number),
  cpu_seconds: nullable(number),
  peak_bytes: nullable(number),
  exit_code: nullable(number),
  signal: nullable(number),
  pid: nullable(number)
});
export type Attempt = Decoded<typeof attempt>;

export const event = object({ id: number, epoch: number, kind: text, at: date, detail: record(anything) });
export type JobEvent = Decoded<typeof event>;

export const capture = object({ name: text, type: text, bytes: number, size: text, why: none });
export const captures = object({
  text,
  bytes: number,
  variables: list(capture),
  imports: anything,
  modules: list(text),
  withheld: list(text),
  warnings: list(text)
});
export type Captures = Decoded<typeof captures>;

export const source = object({
  source: text,
  language: text,
  version: text,
  line: nullable(number),
  error: nullable(text),
  newer: flag
});
export type Source = Decoded<typeof source>;

export const result = object({ kind: text, type: text, bytes: number, text, downloads: list(text) });
export type Result = Decoded<typeof result>;

const line = pair(text, text);
const cardAttempt = object({
  number,
  outcome: text,
  role,
  started: text,
  took: text,
  used: text,
  error: text
});
const cardError = object({ line: text, remedy: none, traceback: none });
export const card = object({
  job_id: number,
  key: text,
  status: state,
  role,
  headline: text,
  parameters: none,
  description: none,
  tags: withDefault(list(text), []),
  bars: withDefault(list(bar), []),
  more_bars: withDefault(number, 0),
  error: nullable(cardError),
  result: none,
  tail: none,
  captured: none,
  captures: withDefault(list(object({ name: text, type: text, size: text, why: none })), []),
  warnings: withDefault(list(text), []),
  notices: withDefault(list(text), []),
  attempts: withDefault(list(cardAttempt), []),
  options: withDefault(list(line), []),
  timings: withDefault(list(line), []),
  provenance: withDefault(list(line), []),
  hints: withDefault(list(text), []),
  as_of: none
});
export type Card = Decoded<typeof card>;

export const provenance = object({
  version: text,
  registered_at: date,
  python: text,
  prefix: none,
  executable: none,
  notebook: nullable(text),
  cell_id: nullable(text),
  git_commit: nullable(text),
  git_dirty: nullable(flag),
  packages: record(anything)
});

export const jobDetail = object({
  at: date,
  cursor: text,
  lab: text,
  job,
  card,
  payload: record(anything),
  options: record(anything),
  attempts: list(attempt),
  events: list(event),
  captures,
  source,
  provenance: nullable(provenance),
  result: nullable(result),
  parents: list(number),
  children: list(number),
  verified: flag
});
export type JobDetail = Decoded<typeof jobDetail>;

/** An output as nbformat has it: checked by the renderer that draws it, never trusted. */
const output: Decoder<{ output_type: string; [name: string]: unknown }> = (value, path) => ({
  ...(value as Record<string, unknown>),
  output_type: object({ output_type: text })(value, path).output_type
});
export const outputs = object({
  cursor: text,
  epoch: number,
  start: number,
  outputs: list(output),
  total: number,
  final: flag
});
export type Outputs = Decoded<typeof outputs>;

export const stack = object({ job: number, at: date, text });
export type Stack = Decoded<typeof stack>;

const refused = object({ id: number, error: trouble });
export const acted = object({ ids: list(number), counts: record(number), errors: list(refused) });
export type Acted = Decoded<typeof acted>;

export const enqueued = object({ ids: list(number), jobs: list(job) });
export type Enqueued = Decoded<typeof enqueued>;

export const parameter = object({ name: text, default: anything, text });
export type Parameter = Decoded<typeof parameter>;
export const parameters = object({ kernel: text, parameters: nullable(list(parameter)) });
export type Parameters = Decoded<typeof parameters>;

export const rule = object({
  interval: nullable(number),
  cron: nullable(text),
  tz: text,
  jitter: nullable(number),
  start: nullable(text),
  end: nullable(text),
  overlap: text,
  misfire: text,
  misfire_grace: nullable(number),
  words: text
});
export type Rule = Decoded<typeof rule>;

export const schedule = object({
  id: number,
  name: text,
  key: text,
  status: word(['active', 'paused', 'over'] as const, 'active'),
  rule,
  payload: record(anything),
  unreadable: nullable(text),
  options: record(anything),
  next: list(text),
  trouble: nullable(text)
});
export type Schedule = Decoded<typeof schedule>;
export const schedules = object({ schedules: list(schedule) });
export const preview = object({ next: list(text), words: text, tz: text });
export type Preview = Decoded<typeof preview>;

export const handler = object({
  key: text,
  version: text,
  kind: text,
  versions: number,
  updated_at: date,
  defaults: record(anything),
  parameters: record(anything),
  notebook: nullable(text)
});
export type Handler = Decoded<typeof handler>;
export const handlers = object({ handlers: list(handler) });

const GROUP_STATES = ['running', 'completed', 'failed', 'cancelled'] as const;
const groupFields = {
  id: number,
  name: text,
  status: word(GROUP_STATES, 'running'),
  total: number,
  ended: number,
  progress: number,
  counts: record(number),
  created_at: date,
  finished_at: nullable(date)
};
export const group = object(groupFields);
export type Group = Decoded<typeof group>;
export const chains = object({ chains: list(group) });
export const batches = object({ batches: list(group) });
export const edge = object({
  from: number,
  to: number,
  policy: text,
  condition: nullable(text),
  verdict: nullable(text),
  words: text
});
export type Edge = Decoded<typeof edge>;
export const chainDetail = object({ at: date, chain: group, nodes: list(job), edges: list(edge) });
export type ChainDetail = Decoded<typeof chainDetail>;
export const batchDetail = object({ at: date, batch: group, members: list(pair(number, state)) });
export type BatchDetail = Decoded<typeof batchDetail>;

export const queue = object({ name: text, weight: number, paused: flag, depth: number });
export type Queue = Decoded<typeof queue>;
export const queues = object({ queues: list(queue) });

export const figure = object({ title: text, figure: record(anything) });
export const section = object({ title: text, text: none, figures: list(figure) });
export const analytics = object({ computed_at: date, fresh: flag, seconds: number, sections: list(section) });
export type Analytics = Decoded<typeof analytics>;

export const stats = object({ states: record(number), groups: record(number), total: number });
export type Stats = Decoded<typeof stats>;

export const JOB_MIME = 'application/vnd.tether-lab.job+json';
/** What a notebook keeps of a job: which one it is, and how it stood. */
export const mime = object({
  version: number,
  lab: text,
  lab_name: none,
  job: object({ id: number, uuid: text }),
  at: date,
  snapshot: card
});
export type Mime = Decoded<typeof mime>;
