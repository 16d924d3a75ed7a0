/** One job, whole and live, for a card or a page. */

import * as React from 'react';
import { LabApi } from '../api';
import { isOffline, isPassing } from '../errors';
import { Backoff } from '../model/backoff';
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

/** Of two readings of one job the younger; they may land in any order. */
function later(before: JobDetail | null, after: JobDetail): JobDetail {
  return before !== null && before.job.uuid === after.job.uuid && before.at > after.at ? before : after;
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
  const shown = React.useRef('');
  shown.current = `${lab} ${id}`;
  const [round, again] = React.useReducer((n: number) => n + 1, 0);
  const isUp = live.link === 'live';
  const pause = React.useMemo(() => new Backoff(), []);
  const ask = React.useCallback(() => {
    pause.reset();
    again();
  }, [pause]);

  React.useEffect(() => {
    if (wanted && isUp) {
      live.seek(lab);
    }
  }, [live, lab, wanted, isUp]);

  React.useEffect(() => {
    if (!store || !isUp) {
      return;
    }
    const isSame = last.current.row === row && row !== undefined && last.current.stamp !== '';
    if (isSame && state.detail && round === 0) {
      return;
    }
    // A row that changes five times a second must not drop what is under way: only another job does.
    const isOther = () => shown.current !== `${lab} ${id}`;
    let isOver = false;
    const read = async () => {
      last.current = { stamp: stamp(row) || 'asked', at: Date.now(), row };
      try {
        const detail = await new LabApi(tether.api, lab).job(id);
        if (!isOther()) {
          store.put([detail.job]);
          last.current.row = store.get(id);
          pause.reset();
          set(before => ({ detail: later(before.detail, detail), error: null }));
        }
      } catch (error) {
        if (!isOther() && !isOffline(error)) {
          const wait = pause.failed();
          if (isPassing(error) && !isOver) {
            timer = setTimeout(() => void read(), wait);
          }
          set(before => ({ ...before, error }));
        }
      }
    };
    const rest = last.current.stamp === stamp(row) ? last.current.at + REST - Date.now() : 0;
    let timer = setTimeout(() => void read(), Math.max(0, rest, pause.rest));
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- a new row is the news; what was read is not
  }, [store, row, isUp, round, lab, id]);

  const job = row ?? state.detail?.job ?? null;
  const isLive = isUp && isKnown && store?.trouble == null && state.detail !== null;
  return { job, detail: state.detail, error: state.error, isLive, again: ask };
}
