/** The lists of a job's page: attempts, events, details. */

import * as React from 'react';
import { Fold, Pre, Table } from '../components/card';
import { Empty, SIGNS } from '../components/parts';
import { count, duration, moment, size } from '../format';
import type { ITether } from '../tokens';
import type { Attempt, JobDetail, JobEvent } from '../wire';

const ANSI = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g');

/** Without a terminal's colours. */
export function plain(text: string): string {
  return text.replace(ANSI, '');
}

export function Attempts(props: { attempts: Attempt[]; max: number }): JSX.Element {
  const now = new Date();
  if (props.attempts.length === 0) {
    return <Empty title="It has not started yet." />;
  }
  return (
    <ol className="tl-Attempts">
      {[...props.attempts].reverse().map(attempt => (
        <li key={attempt.epoch} className={`tl-role-${attempt.role}`}>
          <div>
            <span className="tl-Sign" aria-hidden="true">
              {SIGNS[attempt.role]}
            </span>{' '}
            <strong>
              Attempt {attempt.attempt} of {props.max}: {attempt.words}
            </strong>
            <span className="tl-soft"> {said(attempt, now)}</span>
          </div>
          {attempt.error && <code className="tl-Code">{attempt.error}</code>}
          {attempt.traceback && (
            <Fold summary={attempt.line ? `traceback (line ${attempt.line} of the code)` : 'traceback'}>
              <Pre text={plain(attempt.traceback)} label={`Traceback of attempt ${attempt.attempt}`} />
            </Fold>
          )}
        </li>
      ))}
    </ol>
  );
}

function said(attempt: Attempt, now: Date): string {
  const parts = [`started ${moment(attempt.started_at, now)}`];
  if (attempt.seconds !== null) {
    parts.push(`took ${duration(attempt.seconds)}`);
  }
  if (attempt.cpu_seconds !== null) {
    parts.push(`${duration(attempt.cpu_seconds)} CPU`);
  }
  if (attempt.peak_bytes) {
    parts.push(`${size(attempt.peak_bytes)} peak`);
  }
  if (attempt.signal) {
    parts.push(`signal ${attempt.signal}`);
  } else if (attempt.exit_code) {
    parts.push(`exit code ${attempt.exit_code}`);
  }
  return parts.join(' · ');
}

export function Events(props: { events: JobEvent[] }): JSX.Element {
  const now = new Date();
  const rows = [...props.events].reverse().map(event => [moment(event.at, now), event.kind.replace(/_/g, ' '), detailOf(event)]);
  return rows.length ? (
    <Table head={['when', 'what', 'detail']} rows={rows} label="Events" />
  ) : (
    <Empty title="Nothing has happened to it yet." />
  );
}

function detailOf(event: JobEvent): string {
  return Object.entries(event.detail)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

export function Details(props: { detail: JobDetail; tether: ITether }): JSX.Element {
  const { detail, tether } = props;
  const { card, captures } = detail;
  return (
    <div className="tl-Details">
      <h2>Times and origin</h2>
      <Table head={[]} rows={[...card.timings, ['queue', detail.job.queue], ['priority', String(detail.job.priority)], ...card.provenance]} label="Times and origin" />
      {card.options.length > 0 && (
        <>
          <h2>Options</h2>
          <Table head={[]} rows={card.options} label="Options" />
        </>
      )}
      <h2>Payload</h2>
      <Pre text={JSON.stringify(detail.payload, null, 2)} label="Payload" />
      <h2>Captured {captures.variables.length > 0 ? count(captures.variables.length, 'variable') : ''}</h2>
      {captures.variables.length > 0 ? (
        <Table
          head={['variable', 'type', 'size', 'why']}
          rows={captures.variables.map(one => [one.name, one.type, one.size, one.why])}
          label="Captured variables"
        />
      ) : (
        <p className="tl-soft">{captures.text || 'Nothing was taken along.'}</p>
      )}
      {captures.warnings.map(text => (
        <div key={text} className="tl-Notice tl-role-retrying">
          {text}
        </div>
      ))}
      <Family title="Waits for" ids={detail.parents} detail={detail} tether={tether} />
      <Family title="Waited for by" ids={detail.children} detail={detail} tether={tether} />
    </div>
  );
}

function Family(props: { title: string; ids: number[]; detail: JobDetail; tether: ITether }): JSX.Element | null {
  return props.ids.length === 0 ? null : (
    <>
      <h2>{props.title}</h2>
      <p>
        {props.ids.map(id => (
          <button key={id} className="tl-Link" onClick={() => props.tether.actions.openJob(props.detail.lab, id)}>
            #{id}
          </button>
        ))}
      </p>
    </>
  );
}
