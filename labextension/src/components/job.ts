/** One job, whole and live, for a card or a page. */

import * as React from 'react';
import { LabApi } from '../api';
import { ApiError } from '../errors';
import type { ITether } from '../tokens';
import type { Job, JobDetail } from '../wire';
import { useModel } from './hooks';

/** Milliseconds between two readings of the whole that only progress asks for. */
const REST = 1000;

export interface LiveJob {
  /** The row: as fresh as the last change. */
  job: Job | null;
  /** Everything about it, at most a second older. */
  detail: JobDetail | null;
  error: unknown;
  /** Its present is known: the server answers. */
  isLive: boolean;
  again: () => void;
}

/** What must be read anew at once when it changes. */
function stamp(job: Job | undefined): string {
  return job ? [job.status, job.epoch, job.attempt, job.cancelling, job.waits_for, job.priority].join(' ') : '';
}

/** Follow a job while `wanted` (a card that is out of sight asks for nothing). */
export function useJob(tether: ITether, lab: string, id: number, wanted = true): LiveJob {
  const { live } = tether;
  useModel(live);
  const isKnown = live.labs.some(one => one.uuid === lab);
  const store = isKnown && wanted ? live.store(lab) : null;
  useModel(store);
  const row = store?.get(id);
  const [state, set] = React.useState<{ detail: JobDetail | null; error: unknown }>({ detail: null, error: null });
  const last = React.useRef({ stamp: '', at: 0, row: undefined as Job | undefined });
  const [round, again] = React.useReducer((n: number) => n + 1, 0);
  const isUp = live.link === 'live';

  React.useEffect(() => {
    if (!store || !isUp) {
      return;
    }
    let dropped = false;
    const isSame = last.current.row === row && row !== undefined && last.current.stamp !== '';
    if (isSame && state.detail && round === 0) {
      return;
    }
    const read = async () => {
      last.current = { stamp: stamp(row) || 'asked', at: Date.now(), row };
      try {
        const detail = await new LabApi(tether.api, lab).job(id);
        if (!dropped) {
          store.put([detail.job]);
          last.current.row = store.get(id);
          set({ detail, error: null });
        }
      } catch (error) {
        if (!dropped && error instanceof ApiError && error.failure === 'refused') {
          set(before => ({ ...before, error }));
        }
      }
    };
    const rest = last.current.stamp === stamp(row) ? last.current.at + REST - Date.now() : 0;
    const timer = setTimeout(() => void read(), Math.max(0, rest));
    return () => {
      dropped = true;
      clearTimeout(timer);
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- a new row is the news; what was read is not
  }, [store, row, isUp, round, lab, id]);

  const job = row ?? state.detail?.job ?? null;
  return { job, detail: state.detail, error: state.error, isLive: isUp && isKnown && state.detail !== null, again };
}
