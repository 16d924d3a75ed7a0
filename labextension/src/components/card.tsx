/** A job's card, as the HTML card looks, but live and with buttons. It never sets HTML from outside. */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { launchIcon, refreshIcon, stopIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { isPassing, troubleOf } from '../errors';
import { clock, count } from '../format';
import { headlineAt } from '../model/headline';
import { canCancel, canRetry } from '../model/list';
import type { ITether } from '../tokens';
import type { Card, Mime } from '../wire';
import { useTick } from './hooks';
import { useJob } from './job';
import { JobOutputs } from './outputs';
import { Badge, IconButton, ProgressBar, SIGNS, Tags } from './parts';

export function LiveCard(props: {
  tether: ITether;
  rendermime: IRenderMimeRegistry;
  mime: Mime;
  wanted: boolean;
}): JSX.Element {
  const { tether, rendermime, mime } = props;
  const { job, detail, isLive, error } = useJob(tether, mime.lab, mime.job.id, props.wanted);
  const isOurs = detail === null || detail.job.uuid === mime.job.uuid;
  useTick(isLive && isOurs && job?.role === 'running');
  if (!isLive || !isOurs || !detail || !job) {
    return <CardView card={mime.snapshot} foot={whyNot(tether, mime, isOurs, error)} />;
  }
  const now = tether.live.store(mime.lab).now();
  const isFresh = job.epoch === detail.job.epoch && job.status === detail.job.status;
  const card: Card = {
    ...detail.card,
    notices: mime.snapshot.notices,
    status: job.status,
    role: job.role,
    headline: headlineAt(job, now),
    bars: job.status === 'completed' ? [] : job.bars,
    error: isFresh ? detail.card.error : null,
    tail: ''
  };
  const { actions } = tether;
  return (
    <CardView
      card={card}
      foot={<span className="tl-Live">live</span>}
      outputs={
        job.epoch > 0 && (
          <JobOutputs
            tether={tether}
            rendermime={rendermime}
            lab={mime.lab}
            job={job}
            verified={detail.verified}
            inCard
          />
        )
      }
      buttons={
        <>
          {canCancel(job) && (
            <IconButton
              icon={stopIcon}
              label={`Cancel job ${job.id}`}
              onClick={() => void actions.cancel(mime.lab, [job.id])}
            />
          )}
          {canRetry(job) && (
            <IconButton
              icon={refreshIcon}
              label={`Run job ${job.id} again`}
              onClick={() => void actions.retry(mime.lab, [job.id])}
            />
          )}
          <IconButton icon={launchIcon} label={`Open job ${job.id}`} onClick={() => actions.openJob(mime.lab, job.id)} />
        </>
      }
    />
  );
}

function whyNot(tether: ITether, mime: Mime, isOurs: boolean, error: unknown): string {
  const asOf = `as of ${clock(mime.at)}`;
  const { live } = tether;
  if (live.link !== 'live') {
    return live.link === 'connecting' ? asOf : `${asOf}; not connected to the server`;
  }
  if (!live.labs.some(lab => lab.uuid === mime.lab)) {
    const name = mime.lab_name ? ` (${mime.lab_name})` : '';
    return live.isUnknown(mime.lab) ? `${asOf}; its lab${name} is not on this machine` : asOf;
  }
  if (error && isPassing(error)) {
    return `${asOf}; ${troubleOf(error).message}`;
  }
  return error || !isOurs ? `${asOf}; the job is no longer in its lab` : asOf;
}

export function CardView(props: {
  card: Card;
  foot: React.ReactNode;
  buttons?: React.ReactNode;
  outputs?: React.ReactNode;
}): JSX.Element {
  const { card } = props;
  const label = `Job ${card.job_id}, ${card.key}, ${card.status}`;
  return (
    <div className={`tl-Card tl-role-${card.role}`} role="group" aria-label={label}>
      <div className="tl-Card-head">
        <strong className="tl-Card-title" title={card.key}>
          {card.key}
        </strong>
        <span className="tl-soft">#{card.job_id}</span>
        <Badge status={card.status} role={card.role} />
        <span className="tl-Card-headline">{card.headline}</span>
        <span className="tl-Space" />
        <span className="tl-Card-buttons">{props.buttons}</span>
      </div>
      {card.parameters && <code className="tl-Code">{card.parameters}</code>}
      {card.description && <div>{card.description}</div>}
      <Tags tags={card.tags} />
      {card.bars.map((bar, index) => (
        <ProgressBar bar={bar} key={index} />
      ))}
      {card.more_bars > 0 && <div className="tl-soft">and {count(card.more_bars, 'more bar')}</div>}
      <ErrorBox card={card} />
      {card.tail && <Pre text={card.tail} label="The end of its output" />}
      {props.outputs}
      <Line label="result" text={card.result} code />
      {card.notices.map(text => (
        <Line label="note" text={text} key={text} />
      ))}
      {card.warnings.map(text => (
        <Line label="warning" text={text} key={text} />
      ))}
      <Folds card={card} />
      <div className="tl-Card-foot tl-soft">
        {[...card.hints].map(hint => (
          <span key={hint}>{hint} · </span>
        ))}
        {props.foot}
      </div>
    </div>
  );
}

function Folds(props: { card: Card }): JSX.Element {
  const { card } = props;
  const only = card.attempts.length === 1 ? card.attempts[0] : null;
  const details = [...card.timings, ...card.provenance];
  if (only) {
    details.push(['attempt', [`${SIGNS[only.role]} ${only.outcome}`, only.took, only.used].filter(Boolean).join(', ')]);
  }
  const options = card.options.map(([name, words]) => `${name} ${words}`).join(', ');
  return (
    <>
      {card.captures.length > 0 ? (
        <Fold summary={`captured ${card.captured}`}>
          <Table
            head={['variable', 'type', 'size', 'why']}
            rows={card.captures.map(one => [one.name, one.type, one.size, one.why])}
          />
        </Fold>
      ) : (
        card.captured && <div className="tl-soft">captured {card.captured}</div>
      )}
      {options && <div className="tl-soft">{options}</div>}
      {card.attempts.length > 1 && (
        <Fold summary={count(card.attempts.length, 'attempt')}>
          <Table
            head={['', 'ended', 'started', 'took', 'used', 'error']}
            rows={card.attempts.map(one => [
              String(one.number),
              `${SIGNS[one.role]} ${one.outcome}`,
              one.started,
              one.took,
              one.used,
              one.error
            ])}
          />
        </Fold>
      )}
      {details.length > 0 && (
        <Fold summary="details">
          <Table head={[]} rows={details} />
        </Fold>
      )}
    </>
  );
}

function ErrorBox(props: { card: Card }): JSX.Element | null {
  const { error } = props.card;
  if (!error) {
    return null;
  }
  return (
    <div className="tl-Error">
      <code className="tl-Code tl-strong">{error.line}</code>
      {error.remedy && <div>{error.remedy}</div>}
      {error.traceback && (
        <Fold summary="traceback">
          <Pre text={error.traceback} label="Traceback" />
        </Fold>
      )}
    </div>
  );
}

function Line(props: { label: string; text: string; code?: boolean }): JSX.Element | null {
  return props.text ? (
    <div>
      <strong>{props.label} </strong>
      {props.code ? <code className="tl-Code">{props.text}</code> : props.text}
    </div>
  ) : null;
}

export function Pre(props: { text: string; label: string }): JSX.Element {
  return (
    <pre className="tl-Pre" tabIndex={0} role="region" aria-label={props.label}>
      {props.text}
    </pre>
  );
}

export function Fold(props: { summary: string; children: React.ReactNode }): JSX.Element {
  return (
    <details>
      <summary>{props.summary}</summary>
      {props.children}
    </details>
  );
}

/** A small table; columns in which no row says anything are left out. */
export function Table(props: { head: string[]; rows: string[][]; label?: string }): JSX.Element {
  const width = props.rows[0]?.length ?? 0;
  const keep = Array.from({ length: width }, (_, i) => i).filter(i => props.rows.some(row => row[i]));
  return (
    <div className="tl-Table-scroll">
      <table className="tl-Table" aria-label={props.label}>
        {props.head.length > 0 && (
          <thead>
            <tr>
              {keep.map(i => (
                <th scope="col" key={i}>
                  {props.head[i] || <span className="tl-hidden">number</span>}
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {props.rows.map((row, index) => (
            <tr key={index}>
              {keep.map(i => (i === 0 ? <th scope="row" key={i}>{row[i]}</th> : <td key={i}>{row[i]}</td>))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
