/** React's view of our models and of the clock. */

import { ISignal } from '@lumino/signaling';
import * as React from 'react';
import { isPassing } from '../errors';
import { Pace } from '../model/backoff';
import type { Live } from '../model/live';

interface Versioned {
  version: number;
  changed: ISignal<unknown, void>;
}

/** Draw again when the model says so; at most once a frame, however often that is. */
export function useModel(model: Versioned | null): number {
  const subscribe = React.useCallback(
    (redraw: () => void) => {
      let frame = 0;
      const later = () => {
        frame ||= requestAnimationFrame(() => {
          frame = 0;
          redraw();
        });
      };
      model?.changed.connect(later);
      return () => {
        cancelAnimationFrame(frame);
        model?.changed.disconnect(later);
      };
    },
    [model]
  );
  return React.useSyncExternalStore(subscribe, () => model?.version ?? 0);
}

/** A second has passed: draw again, while `ticking`. */
export function useTick(ticking: boolean, every = 1000): void {
  const [, tick] = React.useReducer((n: number) => n + 1, 0);
  React.useEffect(() => {
    if (!ticking) {
      return;
    }
    const timer = setInterval(() => document.hidden || tick(), every);
    return () => clearInterval(timer);
  }, [ticking, every]);
}

/** What an asynchronous reading has come to. The last value stays while it is read anew. */
export interface Reading<T> {
  value: T | null;
  error: unknown;
  loading: boolean;
  /** A person wants it read now. */
  again: () => void;
  /** It may have changed: read it when the last reading has landed, and rarer while the server fails. */
  heard: () => void;
}

/** Read when `deps` change, and when told to; what comes too late is dropped. */
export function useReading<T>(read: () => Promise<T>, deps: React.DependencyList): Reading<T> {
  const [state, set] = React.useState<{ value: T | null; error: unknown; loading: boolean }>({
    value: null,
    error: null,
    loading: true
  });
  const [round, again] = React.useReducer((n: number) => n + 1, 0);
  const pace = React.useMemo(() => new Pace(again), []);
  React.useEffect(() => () => pace.dispose(), [pace]);
  React.useEffect(() => {
    let wanted = true;
    pace.begun();
    set(before => ({ ...before, loading: true }));
    read().then(
      value => {
        if (wanted) {
          set({ value, error: null, loading: false });
          pace.ended();
        }
      },
      (error: unknown) => {
        if (wanted) {
          set(before => ({ value: before.value, error, loading: false }));
          pace.failed(isPassing(error));
        }
      }
    );
    return () => {
      wanted = false;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- what `read` depends on is said by `deps`
  }, [...deps, round]);
  const heard = React.useCallback(() => pace.heard(), [pace]);
  return { ...state, again, heard };
}

/** Hear when the lab says that one of `topics` changed. */
export function useTopics(live: Live, lab: string, topics: string[], heard: () => void): void {
  const store = live.store(lab);
  const wanted = topics.join(' ');
  React.useEffect(() => {
    const hear = (_: unknown, said: string[]) => said.some(topic => wanted.includes(topic)) && heard();
    store.touched.connect(hear);
    return () => void store.touched.disconnect(hear);
  }, [store, wanted, heard]);
}
