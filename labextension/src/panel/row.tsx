/** One job in the panel's list, and the head of a group. */

import { caretDownIcon, caretRightIcon, launchIcon, refreshIcon, stopIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { IconButton, SIGNS, Track } from '../components/parts';
import { count, percent } from '../format';
import { headlineAt, share } from '../model/headline';
import { canCancel, canRetry } from '../model/list';
import type { Entry } from '../model/list';
import type { Job } from '../wire';

export interface RowProps {
  job: Job;
  now: Date;
  index: number;
  style: React.CSSProperties;
  chosen: boolean;
  active: boolean;
  choosing: boolean;
  onClick: (job: Job, event: React.MouseEvent) => void;
  onOpen: (job: Job) => void;
  onToggle: (job: Job) => void;
  onCancel: (job: Job) => void;
  onRetry: (job: Job) => void;
}

function sameRow(a: RowProps, b: RowProps): boolean {
  const ticks = a.job.status === 'running' || a.job.status === 'scheduled' || a.job.status === 'retrying';
  return (
    a.job === b.job &&
    a.chosen === b.chosen &&
    a.active === b.active &&
    a.choosing === b.choosing &&
    a.index === b.index &&
    a.style.top === b.style.top &&
    (!ticks || a.now === b.now)
  );
}

export const Row = React.memo(function Row(props: RowProps): JSX.Element {
  const { job } = props;
  const fraction = share(job);
  const headline = headlineAt(job, props.now);
  const self = React.useRef<HTMLDivElement>(null);
  React.useLayoutEffect(() => {
    const within = self.current?.closest('.tl-Grid')?.contains(document.activeElement);
    if (props.active && within) {
      self.current?.focus({ preventScroll: true });
    }
  }, [props.active]);
  const error = job.error && job.role === 'bad' ? job.error : '';
  return (
    <div
      ref={self}
      className={`tl-Row tl-role-${job.role}${props.chosen ? ' tl-mod-chosen' : ''}`}
      role="row"
      aria-rowindex={props.index + 1}
      aria-selected={props.chosen}
      tabIndex={props.active ? 0 : -1}
      style={props.style}
      data-job={job.id}
      title={[job.key, job.parameters, error || headline, job.description].filter(Boolean).join('\n')}
      onClick={event => props.onClick(job, event)}
      onDoubleClick={() => props.onOpen(job)}
    >
      <span role="gridcell" className="tl-Row-sign">
        <span className="tl-Sign" aria-hidden="true">
          {SIGNS[job.role]}
        </span>
        <input
          type="checkbox"
          className={props.choosing ? 'tl-mod-shown' : ''}
          tabIndex={-1}
          checked={props.chosen}
          aria-label={`Choose job ${job.id}`}
          onClick={event => event.stopPropagation()}
          onChange={() => props.onToggle(job)}
        />
      </span>
      <span role="gridcell" className="tl-Row-text">
        <span className="tl-Row-first">
          <span className="tl-Row-title">{job.title}</span>
          <span className="tl-Row-id tl-soft">#{job.id}</span>
          {job.parameters && <span className="tl-Row-parameters tl-soft">{job.parameters}</span>}
        </span>
        <span className="tl-Row-second">
          <span className="tl-Row-status">{job.cancelling ? 'cancelling' : job.status}</span>
          <span className="tl-Row-headline">{error || headline}</span>
          {fraction !== null && <span className="tl-numbers">{percent(fraction)}</span>}
        </span>
        {fraction !== null && <Track fraction={fraction} label={`Progress of job ${job.id}`} />}
      </span>
      <span role="gridcell" className="tl-Row-actions" onDoubleClick={event => event.stopPropagation()}>
        {canCancel(job) && <Act icon={stopIcon} label={`Cancel job ${job.id}`} act={() => props.onCancel(job)} />}
        {canRetry(job) && <Act icon={refreshIcon} label={`Run job ${job.id} again`} act={() => props.onRetry(job)} />}
        <Act icon={launchIcon} label={`Open job ${job.id}`} act={() => props.onOpen(job)} />
      </span>
    </div>
  );
}, sameRow);

function Act(props: { icon: typeof stopIcon; label: string; act: () => void }): JSX.Element {
  return (
    <IconButton
      icon={props.icon}
      label={props.label}
      tabIndex={-1}
      onClick={event => {
        event.stopPropagation();
        props.act();
      }}
    />
  );
}

export function Head(props: {
  entry: Extract<Entry, { kind: 'head' }>;
  index: number;
  style: React.CSSProperties;
  onFold: (name: string) => void;
}): JSX.Element {
  const { entry } = props;
  const Caret = (entry.folded ? caretRightIcon : caretDownIcon).react;
  return (
    <div className="tl-Head" role="row" aria-rowindex={props.index + 1} style={props.style}>
      <span role="gridcell">
        <button
          aria-expanded={!entry.folded}
          aria-label={`${entry.words}, ${count(entry.count, 'job')}`}
          onClick={() => props.onFold(entry.name)}
        >
          <Caret tag="span" className="tl-Icon" />
          <span className="tl-Head-words">{entry.words}</span>
          <span className="tl-Count">{entry.count.toLocaleString('en')}</span>
        </button>
      </span>
    </div>
  );
}
