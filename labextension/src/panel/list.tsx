/** The panel's list: groups of rows, chosen with mouse and keys. */

import * as React from 'react';
import type { Actions } from '../actions';
import { useModel, useTick } from '../components/hooks';
import { VirtualGrid } from '../components/virtual';
import { count } from '../format';
import { among, Choice, click, move, NOTHING } from '../model/choice';
import type { JobStore } from '../model/jobs';
import { arrange, canCancel, canPrioritise, canRetry, Entry, Wanted } from '../model/list';
import type { Job } from '../wire';
import { Head, Row } from './row';

const HEAD = 28;
const ROW = 44;
const STEPS: Record<string, number> = {
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: 10,
  PageUp: -10,
  End: Number.MAX_SAFE_INTEGER,
  Home: -Number.MAX_SAFE_INTEGER
};

export function JobList(props: {
  store: JobStore;
  actions: Actions;
  wanted: Wanted;
  onFold: (name: string) => void;
  empty: React.ReactNode;
}): JSX.Element {
  const { store, actions, wanted, onFold } = props;
  const version = useModel(store);
  const [choice, choose] = React.useState<Choice>(NOTHING);
  const [reveal, setReveal] = React.useState(-1);
  const entries = React.useMemo(
    () => arrange(store.rows.values(), wanted, store.counts),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `version` stands for the store's rows
    [store, version, wanted]
  );
  const order = React.useMemo(() => idsOf(entries), [entries]);
  const heights = React.useMemo(() => entries.map(entry => (entry.kind === 'head' ? HEAD : ROW)), [entries]);
  const chosen = React.useMemo(() => among(choice, id => store.rows.has(id)), [choice, store, version]); // eslint-disable-line react-hooks/exhaustive-deps
  useTick(order.length > 0);
  const now = store.now();
  now.setMilliseconds(0);
  const ticked = useSame(now);
  const first = order.includes(chosen.active) ? chosen.active : (order[0] ?? 0);

  const rows = useRowVerbs(store, actions, order, choose);
  const onKeyDown = keysOf({ store, actions, entries, order, chosen, first, choose, setReveal, rows });
  const onEnd = React.useCallback(() => void store.older().catch(() => undefined), [store]);
  const draw = (index: number, style: React.CSSProperties): React.ReactNode => {
    const entry = entries[index];
    if (entry.kind === 'head') {
      return <Head key={`head ${entry.name}`} entry={entry} index={index} style={style} onFold={onFold} />;
    }
    const { job } = entry;
    return (
      <Row
        key={job.id}
        job={job}
        now={ticked}
        index={index}
        style={style}
        chosen={chosen.chosen.has(job.id)}
        active={job.id === first}
        choosing={chosen.chosen.size > 0}
        onClick={rows.click}
        onOpen={rows.open}
        onToggle={rows.toggle}
        onCancel={rows.cancel}
        onRetry={rows.retry}
      />
    );
  };
  if (entries.length === 0) {
    return <>{props.empty}</>;
  }
  return (
    <>
      <VirtualGrid
        heights={heights}
        draw={draw}
        label="Jobs"
        rows={entries.length}
        reveal={reveal}
        onEnd={onEnd}
        onKeyDown={onKeyDown}
      />
      <Chosen store={store} actions={actions} ids={chosen.chosen} onNone={() => choose(NOTHING)} />
    </>
  );
}

interface Keys {
  store: JobStore;
  actions: Actions;
  entries: Entry[];
  order: number[];
  chosen: Choice;
  first: number;
  choose: React.Dispatch<React.SetStateAction<Choice>>;
  setReveal: (index: number) => void;
  rows: ReturnType<typeof useRowVerbs>;
}

/** The list by keyboard: arrows move, Shift extends, Space chooses, Enter opens, Delete cancels. */
function keysOf(list: Keys): (event: React.KeyboardEvent) => void {
  const { store, actions, entries, order, chosen, first, choose, rows } = list;
  return event => {
    if ((event.target as HTMLElement).closest('.tl-Head, input')) {
      return;
    }
    const active = store.get(first);
    const step = STEPS[event.key];
    if (step !== undefined) {
      const next = move({ ...chosen, active: first }, step, order, event.shiftKey);
      choose(next);
      list.setReveal(entries.findIndex(entry => entry.kind === 'job' && entry.job.id === next.active));
    } else if (event.key === 'Enter' && active) {
      rows.open(active);
    } else if (event.key === ' ' && active) {
      rows.toggle(active);
    } else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
      choose({ ...chosen, chosen: new Set(order) });
    } else if (event.key === 'Escape') {
      choose({ ...chosen, chosen: new Set() });
    } else if (event.key === 'Delete' && active) {
      void actions.cancel(store.lab, chosen.chosen.size ? [...chosen.chosen] : [active.id]);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
}

function idsOf(entries: Entry[]): number[] {
  return entries.flatMap(entry => (entry.kind === 'job' ? [entry.job.id] : []));
}

/** The same date object while it says the same second, so that rows need not be drawn again. */
function useSame(now: Date): Date {
  const kept = React.useRef(now);
  if (kept.current.getTime() !== now.getTime()) {
    kept.current = now;
  }
  return kept.current;
}

function useRowVerbs(
  store: JobStore,
  actions: Actions,
  order: number[],
  choose: React.Dispatch<React.SetStateAction<Choice>>
) {
  const latest = React.useRef(order);
  latest.current = order;
  return React.useMemo(
    () => ({
      click: (job: Job, event: React.MouseEvent) => {
        const add = event.ctrlKey || event.metaKey;
        choose(before => click(before, job.id, latest.current, add, event.shiftKey));
        if (!add && !event.shiftKey) {
          (event.currentTarget as HTMLElement).focus({ preventScroll: true });
        }
      },
      toggle: (job: Job) => choose(before => click(before, job.id, latest.current, true, false)),
      open: (job: Job) => actions.openJob(store.lab, job.id),
      cancel: (job: Job) => void actions.cancel(store.lab, [job.id]),
      retry: (job: Job) => void actions.retry(store.lab, [job.id])
    }),
    [store, actions, choose]
  );
}

/** What can be done to all that are chosen. */
function Chosen(props: {
  store: JobStore;
  actions: Actions;
  ids: ReadonlySet<number>;
  onNone: () => void;
}): JSX.Element | null {
  const jobs = [...props.ids].flatMap(id => props.store.get(id) ?? []);
  if (jobs.length === 0) {
    return null;
  }
  const stop = jobs.filter(canCancel).map(job => job.id);
  const again = jobs.filter(canRetry).map(job => job.id);
  const waiting = jobs.filter(canPrioritise);
  const { lab } = props.store;
  return (
    <div className="tl-Chosen" role="toolbar" aria-label="Chosen jobs">
      <span className="tl-Chosen-count">{count(jobs.length, 'job')} chosen</span>
      <button className="tl-Button" disabled={!stop.length} onClick={() => void props.actions.cancel(lab, stop)}>
        Cancel{stop.length ? ` ${stop.length}` : ''}
      </button>
      <button className="tl-Button" disabled={!again.length} onClick={() => void props.actions.retry(lab, again)}>
        Run again{again.length ? ` ${again.length}` : ''}
      </button>
      {waiting.length > 0 && (
        <button
          className="tl-Button"
          onClick={() =>
            void props.actions.prioritise(
              lab,
              waiting.map(job => job.id),
              Math.max(...waiting.map(job => job.priority))
            )
          }
        >
          Priority …
        </button>
      )}
      <button className="tl-Button" onClick={props.onNone}>
        None
      </button>
    </div>
  );
}
