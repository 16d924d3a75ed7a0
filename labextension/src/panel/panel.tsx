/** The side panel: which lab, its worker, its jobs, and the ways to the pages. */

import { ReactWidget, searchIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { Actions } from '../actions';
import { useModel } from '../components/hooks';
import { Empty, Failed, IconButton, Loading } from '../components/parts';
import { calendarIcon, chainIcon, chartIcon, jobIcon, serviceIcon } from '../icons';
import type { JobStore } from '../model/jobs';
import { counted, Grouping, GROUPINGS, Shelf, Wanted } from '../model/list';
import type { Live } from '../model/live';
import { Commands } from '../tokens';
import type { Trouble } from '../wire';
import { JobList } from './list';
import { Queues } from './queues';

const FILTERS: [Shelf | 'all', string][] = [
  ['all', 'All'],
  ['running', 'Running'],
  ['waiting', 'Waiting'],
  ['failed', 'Failed'],
  ['completed', 'Completed']
];
const GROUPING_WORDS: Record<Grouping, string> = { status: 'by status', key: 'by key', none: 'newest first' };

export class JobPanel extends ReactWidget {
  constructor(
    private readonly live: Live,
    private readonly actions: Actions
  ) {
    super();
    this.id = 'tether-lab-panel';
    this.addClass('tl-Panel');
    this.title.icon = jobIcon;
    this.title.caption = 'Jobs (Tether Lab)';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Jobs');
  }

  protected render(): JSX.Element {
    return <Panel live={this.live} actions={this.actions} />;
  }
}

function Panel(props: { live: Live; actions: Actions }): JSX.Element {
  const { live, actions } = props;
  useModel(live);
  const store = live.shown;
  return (
    <>
      <Top live={live} actions={actions} />
      <LinkNotice live={live} />
      {store ? (
        <Jobs key={store.lab} store={store} live={live} actions={actions} />
      ) : live.link === 'connecting' ? (
        <Loading what="jobs" />
      ) : live.link === 'live' ? (
        <FirstSteps />
      ) : null}
    </>
  );
}

function Top(props: { live: Live; actions: Actions }): JSX.Element {
  const { live, actions } = props;
  const labs = live.labs.filter(lab => lab.uuid !== null);
  const go = (command: string) => () => live.current && actions.open(command, live.current);
  return (
    <div className="tl-Top">
      <div className="tl-Top-line">
        <h2>Jobs</h2>
        {labs.length > 1 && (
          <select
            aria-label="Lab"
            className="tl-Select"
            value={live.current ?? ''}
            onChange={event => live.show(event.target.value)}
          >
            {labs.map(lab => (
              <option key={lab.uuid} value={lab.uuid ?? ''}>
                {lab.name}
              </option>
            ))}
          </select>
        )}
        <span className="tl-Space" />
        <span className="tl-Top-buttons" role="toolbar" aria-label="Pages">
          <IconButton icon={calendarIcon} label="Schedules" onClick={go(Commands.openSchedules)} />
          <IconButton icon={chainIcon} label="Chains and batches" onClick={go(Commands.openChains)} />
          <IconButton icon={serviceIcon} label="Services" onClick={go(Commands.openServices)} />
          <IconButton icon={chartIcon} label="Analytics" onClick={go(Commands.openAnalytics)} />
        </span>
      </div>
      <WorkerLine live={live} actions={actions} />
    </div>
  );
}

/** One line that says whether anything would run. */
function WorkerLine(props: { live: Live; actions: Actions }): JSX.Element | null {
  const { live } = props;
  const { lab } = live;
  const worker = lab?.worker;
  if (lab?.error) {
    return <div className="tl-Notice tl-role-bad">{`${lab.error.message} ${lab.error.remedy}`}</div>;
  }
  if (lab?.restricted) {
    return (
      <div className="tl-Notice tl-role-waiting">
        This lab was made with another key: it is shown, and nothing of it is run or changed. If you know and trust who
        made it: <code>tether-lab trust</code> shows its code, and asks.
      </div>
    );
  }
  if (!lab?.uuid || !worker || live.link !== 'live') {
    return null;
  }
  const { uuid } = lab;
  const words = !worker.enabled
    ? 'The worker is switched off in the settings.'
    : worker.running
      ? `Worker ready, ${worker.runners} at a time`
      : worker.state === 'starting'
        ? 'The worker is starting …'
        : worker.autostart
          ? 'No worker runs; the next job starts one.'
          : 'No worker runs.';
  return (
    <div className="tl-Worker tl-soft">
      <span className={`tl-Dot${worker.running ? ' tl-mod-on' : ''}`} aria-hidden="true" />
      <span className="tl-Worker-words">{words}</span>
      {!worker.running && worker.enabled && worker.state !== 'starting' && (
        <button className="tl-Link" onClick={() => void props.actions.startWorker(uuid)}>
          Start it
        </button>
      )}
      <Queues live={live} actions={props.actions} lab={uuid} />
    </div>
  );
}

function LinkNotice(props: { live: Live }): JSX.Element | null {
  const { live } = props;
  if (live.link === 'live' || live.link === 'connecting' || !live.trouble) {
    return null;
  }
  return (
    <div className="tl-Notice tl-role-retrying" role="status">
      <div className="tl-strong">{live.trouble.message}</div>
      <div>{live.trouble.remedy}</div>
      <button className="tl-Link" onClick={() => void live.look()}>
        Try now
      </button>
    </div>
  );
}

/** The server answers, but not about this lab: what is shown is as it was. */
function StoreNotice(props: { live: Live; trouble: Trouble }): JSX.Element {
  return (
    <div className="tl-Notice tl-role-retrying" role="status">
      <div className="tl-strong">{props.trouble.message}</div>
      <div>The jobs below are as they were before. {props.trouble.remedy}</div>
      <button className="tl-Link" onClick={() => void props.live.look()}>
        Try now
      </button>
    </div>
  );
}

function Jobs(props: { store: JobStore; live: Live; actions: Actions }): JSX.Element {
  const { store, live, actions } = props;
  useModel(store);
  const [typed, type] = React.useState('');
  const words = React.useDeferredValue(typed);
  const [shelf, setShelf] = React.useState<Shelf | 'all'>('all');
  const [grouping, group] = React.useState<Grouping>('status');
  const [folded, fold] = React.useState<ReadonlySet<string>>(new Set());
  const wanted = React.useMemo<Wanted>(() => ({ words, shelf, grouping, folded }), [words, shelf, grouping, folded]);
  useSearchOnServer(store, typed);
  const onFold = React.useCallback(
    (name: string) =>
      fold(before => {
        const next = new Set(before);
        if (!next.delete(name)) {
          next.add(name);
        }
        return next;
      }),
    []
  );
  if (store.phase === 'empty' || store.phase === 'loading') {
    return live.link === 'offline' ? <></> : <Loading what="jobs" />;
  }
  if (store.phase === 'error' && store.rows.size === 0) {
    return live.link === 'live' ? (
      <Failed
        error={new Error([store.trouble?.message, store.trouble?.remedy].join(' '))}
        again={() => void live.look()}
      />
    ) : (
      <></>
    );
  }
  if (store.rows.size === 0) {
    return <FirstSteps />;
  }
  const none = () => {
    type('');
    setShelf('all');
  };
  return (
    <>
      {store.trouble && live.link === 'live' && <StoreNotice live={live} trouble={store.trouble} />}
      <Filters {...{ typed, type, shelf, setShelf, grouping, group, store }} />
      <JobList
        store={store}
        actions={actions}
        wanted={wanted}
        onFold={onFold}
        empty={
          <Empty title="No job is like that.">
            <button className="tl-Link" onClick={none}>
              Show all
            </button>
          </Empty>
        }
      />
    </>
  );
}

/** What was typed may be in jobs that are not loaded here: the server is asked when typing rests. */
function useSearchOnServer(store: JobStore, typed: string): void {
  React.useEffect(() => {
    const words = typed.trim();
    if (words.length < 2 || !store.more) {
      return;
    }
    const timer = setTimeout(() => void store.find(words).catch(() => undefined), 300);
    return () => clearTimeout(timer);
  }, [store, typed]);
}

function Filters(props: {
  typed: string;
  type: (words: string) => void;
  shelf: Shelf | 'all';
  setShelf: (shelf: Shelf | 'all') => void;
  grouping: Grouping;
  group: (grouping: Grouping) => void;
  store: JobStore;
}): JSX.Element {
  const Search = searchIcon.react;
  return (
    <div className="tl-Filters">
      <div className="tl-Search">
        <Search tag="span" className="tl-Icon" />
        <input
          type="search"
          placeholder="Search jobs"
          aria-label="Search jobs"
          value={props.typed}
          onChange={event => props.type(event.target.value)}
        />
        <select
          className="tl-Select"
          aria-label="Order of jobs"
          value={props.grouping}
          onChange={event => props.group(event.target.value as Grouping)}
        >
          {GROUPINGS.map(name => (
            <option key={name} value={name}>
              {GROUPING_WORDS[name]}
            </option>
          ))}
        </select>
      </div>
      <div className="tl-Chips" role="group" aria-label="Show only">
        {FILTERS.map(([name, words]) => {
          const number = name === 'all' ? 0 : counted(props.store.counts, name);
          return (
            <button
              key={name}
              className="tl-Chip"
              aria-pressed={props.shelf === name}
              onClick={() => props.setShelf(props.shelf === name ? 'all' : name)}
            >
              {words}
              {number > 0 && <span className="tl-Count">{number.toLocaleString('en')}</span>}
            </button>
          );
        })}
      </div>
    </div>
  );
}

function FirstSteps(): JSX.Element {
  const Icon = jobIcon.react;
  return (
    <div className="tl-State tl-First">
      <Icon tag="span" className="tl-Big" />
      <strong>No jobs yet</strong>
      <p>Run a cell as a job with the button on its toolbar, or type:</p>
      <pre tabIndex={0}>{'%load_ext tether_lab\n\n%%job\nprint("hello")'}</pre>
      <p>It goes on when the kernel dies or this tab is closed.</p>
    </div>
  );
}
