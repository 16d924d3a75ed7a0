/** The server's headline of a job, its times moved on to now. Pure. */

import { duration } from '../format';
import type { Job } from '../wire';

/** `for 12 s, attempt 2 of 3` ten seconds later: `for 22 s, attempt 2 of 3`. */
export function headlineAt(job: Job, now: Date): string {
  if (job.status === 'running' && job.started_at) {
    const ran = Math.max(0, (now.getTime() - job.started_at.getTime()) / 1000);
    return job.headline.replace(/^for .*?(?=,| of the usual|$)/, `for ${duration(ran)}`);
  }
  if (job.status === 'scheduled' || job.status === 'retrying') {
    const left = (job.due_at.getTime() - now.getTime()) / 1000;
    return job.headline.replace(/\bin [^(]*\(/, left > 0 ? `in ${duration(left)} (` : 'now (');
  }
  return job.headline;
}

const FOR_A_WORKER = [
  'waits for a free runner',
  'waits for the worker, which is starting',
  'waits for a worker, and none is running'
];

/** What a row says of the worker is as old as the row: the same job, its words as the worker stands now. */
export function served(job: Job, worker: string | null): Job {
  if (worker === null || job.status !== 'pending' || !FOR_A_WORKER.includes(job.headline)) {
    return job;
  }
  const headline = FOR_A_WORKER[['running', 'starting'].indexOf(worker)] ?? FOR_A_WORKER[2];
  return headline === job.headline ? job : { ...job, headline };
}

/** The bar that says most: the outermost with a known end. */
export function share(job: Job): number | null {
  return job.status === 'completed' ? null : (job.bars.find(bar => bar.fraction !== null)?.fraction ?? null);
}
