/** The page of one job: how it stands, what it shows, how it got there. */

import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import * as React from 'react';
import { Pre } from '../components/card';
import { Code } from '../components/code';
import { useTick } from '../components/hooks';
import { LiveJob, useJob } from '../components/job';
import { JobOutputs } from '../components/outputs';
import { Badge, Failed, Loading, ProgressBar, Tags } from '../components/parts';
import { Tab, Tabs } from '../components/tabs';
import { headlineAt } from '../model/headline';
import { canCancel, canPrioritise, canRetry } from '../model/list';
import { Commands, ITether } from '../tokens';
import type { Job, JobDetail } from '../wire';
import { Attempts, Details, Events } from './jobparts';

export interface JobPageProps {
  tether: ITether;
  rendermime: IRenderMimeRegistry;
  languages: IEditorLanguageRegistry | null;
  lab: string;
  id: number;
  onTitle: (job: Job) => void;
}

export function JobPage(props: JobPageProps): JSX.Element {
  const { tether, lab, id, onTitle } = props;
  const live = useJob(tether, lab, id);
  const { job, detail } = live;
  React.useEffect(() => {
    if (job) {
      onTitle(job);
    }
  }, [job, onTitle]);
  if (!job || !detail) {
    if (live.error) {
      return <Failed error={live.error} again={live.again} />;
    }
    const { link, trouble } = tether.live;
    return link === 'offline' || link === 'missing' ? (
      <Failed error={new Error([trouble?.message, trouble?.remedy].join(' '))} again={() => void tether.live.look()} />
    ) : (
      <Loading what={`job ${id}`} />
    );
  }
  return <Whole {...props} job={job} detail={detail} live={live} />;
}

function Whole(props: JobPageProps & { job: Job; detail: JobDetail; live: LiveJob }): JSX.Element {
  const { tether, lab, job, detail } = props;
  const [shown, show] = React.useState(job.status === 'failed' && detail.source.line ? 'code' : 'output');
  const tabs: Tab[] = [
    {
      name: 'output',
      words: 'Output',
      draw: () => (
        <JobOutputs
          tether={tether}
          rendermime={props.rendermime}
          lab={lab}
          job={job}
          verified={detail.verified}
        />
      )
    },
    {
      name: 'code',
      words: 'Code',
      draw: () => (
        <>
          {detail.source.newer && (
            <div className="tl-Notice tl-role-waiting">
              There is newer code under this key.{' '}
              {canRetry(job) && (
                <button className="tl-Link" onClick={() => void tether.actions.retry(lab, [job.id], true)}>
                  Run again with it
                </button>
              )}
            </div>
          )}
          <Code source={detail.source} languages={props.languages} />
        </>
      )
    },
    {
      name: 'attempts',
      words: detail.attempts.length ? `Attempts ${detail.attempts.length}` : 'Attempts',
      draw: () => <Attempts attempts={detail.attempts} max={job.max_attempts} />
    },
    { name: 'events', words: 'Events', draw: () => <Events events={detail.events} /> },
    { name: 'details', words: 'Details', draw: () => <Details detail={detail} tether={tether} /> }
  ];
  return (
    <div className="tl-Job">
      <Heading {...props} />
      <Tabs label={`Job ${job.id}`} tabs={tabs} shown={shown} onShow={show} />
    </div>
  );
}

function Heading(props: JobPageProps & { job: Job; detail: JobDetail; live: LiveJob }): JSX.Element {
  const { tether, lab, job, detail, live } = props;
  const isMoving = live.isLive && !['good', 'bad', 'ended'].includes(job.role);
  useTick(isMoving);
  const { actions } = tether;
  const { card } = detail;
  const error = job.epoch === detail.job.epoch && job.status === detail.job.status ? card.error : null;
  return (
    <header className={`tl-Job-head tl-role-${job.role}`}>
      <div className="tl-Job-line">
        <h1 title={job.key}>{job.key}</h1>
        <span className="tl-soft">#{job.id}</span>
        <Badge status={job.cancelling ? 'cancelling' : job.status} role={job.role} />
        <span className="tl-Job-headline" role="status">
          {headlineAt(job, tether.live.store(lab).now())}
        </span>
      </div>
      <div className="tl-Job-line tl-Job-buttons" role="toolbar" aria-label="What can be done">
        {canCancel(job) && (
          <button className="tl-Button" onClick={() => void actions.cancel(lab, [job.id])}>
            Cancel
          </button>
        )}
        {canRetry(job) && (
          <button className="tl-Button" onClick={() => void actions.retry(lab, [job.id])}>
            Run again
          </button>
        )}
        {canPrioritise(job) && (
          <button className="tl-Button" onClick={() => void actions.prioritise(lab, [job.id], job.priority)}>
            Priority {job.priority} …
          </button>
        )}
        {job.status === 'running' && <StackButton tether={tether} lab={lab} id={job.id} />}
        {job.chain !== null && (
          <button className="tl-Button" onClick={() => actions.open(Commands.openChains, lab, job.chain ?? undefined)}>
            Its chain
          </button>
        )}
        {!live.isLive && <span className="tl-soft">not connected: as it was</span>}
      </div>
      {card.parameters && <code className="tl-Code">{card.parameters}</code>}
      {job.description && <div>{job.description}</div>}
      <Tags tags={job.tags} />
      {job.status !== 'completed' && job.bars.map((bar, index) => <ProgressBar bar={bar} key={index} />)}
      {error && (
        <div className="tl-Error">
          <code className="tl-Code tl-strong">{error.line}</code>
          {error.remedy && <div>{error.remedy}</div>}
        </div>
      )}
      {card.result && <ResultLine {...props} />}
      {card.warnings.map(text => (
        <div key={text} className="tl-Notice tl-role-retrying">
          {text}
        </div>
      ))}
    </header>
  );
}

function ResultLine(props: { tether: ITether; lab: string; job: Job; detail: JobDetail }): JSX.Element {
  const { detail, tether, lab, job } = props;
  const api = tether.actions.lab(lab);
  return (
    <div>
      <strong>result </strong>
      <code className="tl-Code">{detail.card.result}</code>{' '}
      {detail.result?.downloads.map(format => (
        <a key={format} className="tl-Link" href={api.resultAddress(job.id, format)} download>
          download {format}
        </a>
      ))}
    </div>
  );
}

/** Where it is now; asked each time, since a moment later it is elsewhere. */
function StackButton(props: { tether: ITether; lab: string; id: number }): JSX.Element {
  const [state, set] = React.useState<{ text?: string; at?: Date; error?: unknown; busy?: boolean }>({});
  const ask = () => {
    set(before => ({ ...before, busy: true }));
    props.tether.actions
      .lab(props.lab)
      .stack(props.id)
      .then(
        said => set({ text: said.text, at: said.at }),
        (error: unknown) => set({ error })
      );
  };
  return (
    <>
      <button className="tl-Button" onClick={ask} disabled={state.busy}>
        {state.busy ? 'Asking …' : 'Where is it now?'}
      </button>
      {state.error !== undefined && <Failed error={state.error} />}
      {state.text !== undefined && (
        <div className="tl-Stack">
          <div className="tl-soft">
            At {state.at?.toLocaleTimeString()}{' '}
            <button className="tl-Link" onClick={() => set({})}>
              hide
            </button>
          </div>
          <Pre text={state.text} label="Stack of the running job" />
        </div>
      )}
    </>
  );
}

