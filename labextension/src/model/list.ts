/** What the panel lists, decided here and only drawn there: groups, filters, order. Pure. */

import type { Job, State } from '../wire';

export const SHELVES = ['services', 'running', 'waiting', 'failed', 'completed', 'ended'] as const;
export type Shelf = (typeof SHELVES)[number];

export const SHELF_WORDS: Record<Shelf, string> = {
  services: 'Services',
  running: 'Running',
  waiting: 'Waiting',
  failed: 'Failed',
  completed: 'Completed',
  ended: 'Cancelled, expired, skipped'
};

const SHELF_OF: Record<State, Shelf> = {
  blocked: 'waiting',
  scheduled: 'waiting',
  pending: 'waiting',
  retrying: 'waiting',
  running: 'running',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'ended',
  expired: 'ended',
  skipped: 'ended'
};

export function shelfOf(job: Job): Shelf {
  return job.service && !isFinal(job) ? 'services' : SHELF_OF[job.status];
}

export function isFinal(job: Job): boolean {
  const shelf = SHELF_OF[job.status];
  return shelf !== 'running' && shelf !== 'waiting';
}

export const canCancel = (job: Job): boolean => !isFinal(job) && !job.cancelling;
export const canRetry = (job: Job): boolean => isFinal(job);
/** Only what waits has a turn that can be changed. */
export const canPrioritise = (job: Job): boolean => SHELF_OF[job.status] === 'waiting' && !job.cancelling;

export const GROUPINGS = ['status', 'key', 'none'] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface Wanted {
  words: string;
  shelf: Shelf | 'all';
  grouping: Grouping;
  folded: ReadonlySet<string>;
}

export type Entry =
  | { kind: 'head'; name: string; words: string; count: number; folded: boolean }
  | { kind: 'job'; job: Job };

/** Jobs in a shelf over the whole lab, as the server counts them. */
export function counted(counts: Record<string, number>, shelf: Shelf): number {
  return Object.entries(counts)
    .filter(([state]) => SHELF_OF[state as State] === shelf)
    .reduce((sum, [, number]) => sum + number, 0);
}

/** Whether a job has every one of the words somewhere; `#12` and `12` find that job. */
export function matches(job: Job, words: string[]): boolean {
  if (words.length === 0) {
    return true;
  }
  const all = [
    `#${job.id}`,
    job.key,
    job.status,
    job.description,
    job.parameters,
    job.queue,
    job.error ?? '',
    job.schedule ?? '',
    ...job.tags
  ]
    .join('\n')
    .toLowerCase();
  return words.every(word => all.includes(word));
}

/** Active jobs in the order of their coming to an end or a start, ended ones the latest first. */
function compare(a: Job, b: Job): number {
  return b.id - a.id;
}

/** Whose number says more than the rows that are here: all of a shelf that is only partly loaded. */
function total(shelf: Shelf, here: number, counts: Record<string, number>, isWhole: boolean): number {
  return isWhole && shelf !== 'services' ? Math.max(here, counted(counts, shelf)) : here;
}

/** The list, heads and jobs in the order of drawing. */
export function arrange(rows: Iterable<Job>, wanted: Wanted, counts: Record<string, number>): Entry[] {
  const words = wanted.words.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<string, Job[]>();
  for (const job of rows) {
    const shelf = shelfOf(job);
    if ((wanted.shelf !== 'all' && shelf !== wanted.shelf) || !matches(job, words)) {
      continue;
    }
    const name = wanted.grouping === 'status' ? shelf : wanted.grouping === 'key' ? job.key : '';
    const group = groups.get(name);
    if (group) {
      group.push(job);
    } else {
      groups.set(name, [job]);
    }
  }
  const entries: Entry[] = [];
  for (const name of namesInOrder(groups, wanted.grouping)) {
    const jobs = (groups.get(name) ?? []).sort(compare);
    const folded = wanted.folded.has(name);
    if (wanted.grouping !== 'none') {
      const isShelf = wanted.grouping === 'status';
      const said = isShelf ? SHELF_WORDS[name as Shelf] : name;
      const count = isShelf ? total(name as Shelf, jobs.length, counts, words.length === 0) : jobs.length;
      entries.push({ kind: 'head', name, words: said, count, folded });
    }
    if (!folded) {
      entries.push(...jobs.map(job => ({ kind: 'job' as const, job })));
    }
  }
  return entries;
}

function namesInOrder(groups: Map<string, Job[]>, grouping: Grouping): string[] {
  if (grouping === 'status') {
    return SHELVES.filter(shelf => groups.has(shelf));
  }
  return [...groups.keys()].sort((a, b) => a.localeCompare(b));
}
