/** The outputs of a job, growing while it runs, drawn by JupyterLab's own renderers and not trusted. */

import { OutputArea, OutputAreaModel } from '@jupyterlab/outputarea';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IOutput } from '@jupyterlab/nbformat';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { LabApi } from '../api';
import { isOffline, isPassing } from '../errors';
import { Backoff } from '../model/backoff';
import { count } from '../format';
import { quiet, withoutCharts } from '../model/harmless';
import type { ITether } from '../tokens';
import { Job, JOB_MIME, Outputs } from '../wire';
import { Empty, Failed, Loading } from './parts';

/** Milliseconds between two readings while the job runs. */
const EVERY = 400;

/** Puts what came into the model: what stands before `start` is kept, a growing text only grows. */
export function apply(model: OutputAreaModel, known: IOutput[], said: Outputs, isNew: boolean): IOutput[] {
  const fresh = said.outputs as unknown as IOutput[];
  if (isNew || said.start > known.length) {
    model.clear();
    fresh.forEach(output => model.add(output));
    return [...fresh];
  }
  const kept = known.slice(0, said.start);
  const [first, ...others] = fresh;
  const replaced = known.length - said.start;
  if (first && replaced === 1 && grows(known[said.start], first)) {
    const more = textOf(first).slice(textOf(known[said.start]).length);
    if (more) {
      model.add({ ...first, text: more });
    }
    others.forEach(output => model.add(output));
  } else if (replaced > 0) {
    model.clear();
    [...kept, ...fresh].forEach(output => model.add(output));
  } else {
    fresh.forEach(output => model.add(output));
  }
  return [...kept, ...fresh];
}

function textOf(output: IOutput): string {
  return typeof output.text === 'string' ? output.text : '';
}

function grows(before: IOutput, after: IOutput): boolean {
  return (
    before.output_type === 'stream' &&
    after.output_type === 'stream' &&
    before.name === after.name &&
    typeof before.text === 'string' &&
    typeof after.text === 'string' &&
    after.text.startsWith(before.text)
  );
}

interface Said {
  total: number | null;
  rich: boolean;
  error: unknown;
}

/** Reads what is new into the area's model: once when the job moves, again and again while it runs. */
function useFollowing(
  tether: ITether,
  lab: string,
  job: Job,
  area: OutputArea | null,
  say: React.Dispatch<React.SetStateAction<Said>>
): void {
  const isRunning = job.status === 'running';
  const isUp = tether.live.link === 'live';

  React.useEffect(() => {
    if (!area) {
      return;
    }
    let wanted = true;
    let timer = 0;
    let after: string | undefined;
    let epoch = -1;
    let known: IOutput[] = [];
    const pause = new Backoff();
    const read = async () => {
      let isAgain = isRunning;
      try {
        const answer = await new LabApi(tether.api, lab).outputs(job.id, after);
        if (!wanted) {
          return;
        }
        if (after === undefined || answer.outputs.length > 0 || answer.epoch !== epoch) {
          const { trusted } = area.model;
          const outputs = answer.outputs.map(one => (trusted ? one : withoutCharts(one as IOutput, JOB_MIME)));
          const isNew = after === undefined || answer.epoch !== epoch;
          known = apply(area.model as OutputAreaModel, known, { ...answer, outputs }, isNew);
        }
        after = answer.cursor;
        epoch = answer.epoch;
        pause.reset();
        say({ total: answer.total, rich: known.some(isRich), error: null });
        if (answer.final) {
          return;
        }
      } catch (error) {
        if (!wanted) {
          return;
        }
        pause.failed();
        isAgain ||= isPassing(error) && !isOffline(error);
        if (!isOffline(error)) {
          say(before => ({ ...before, error }));
        }
      }
      if (isAgain) {
        timer = window.setTimeout(() => void read(), Math.max(pause.rest, document.hidden ? EVERY * 10 : EVERY));
      }
    };
    void read();
    return () => {
      wanted = false;
      window.clearTimeout(timer);
    };
  }, [area, tether, lab, job.id, job.epoch, job.status, isRunning, isUp, say]);
}

export function JobOutputs(props: {
  tether: ITether;
  rendermime: IRenderMimeRegistry;
  lab: string;
  job: Job;
  verified: boolean;
  /** Below a card: folded away at a click, and nothing at all where there is nothing. */
  inCard?: boolean;
}): JSX.Element {
  const { tether, rendermime, lab, job } = props;
  const host = React.useRef<HTMLDivElement>(null);
  const [isTrusted, trust] = React.useState(false);
  const [said, say] = React.useState<Said>({
    total: null,
    rich: false,
    error: null
  });
  const area = useArea(rendermime, host, isTrusted);
  const isRunning = job.status === 'running';
  useFollowing(tether, lab, job, area, say);

  const notice = said.rich && !isTrusted && (
    <div className="tl-Notice tl-role-waiting">
      These outputs are not trusted: scripts in them do not run, and nothing is loaded from elsewhere.{' '}
      {props.verified && (
        <button className="tl-Link" onClick={() => trust(true)}>
          Trust them: this job is signed by you
        </button>
      )}
    </div>
  );
  if (props.inCard) {
    return (
      <details className="tl-Card-outputs" open hidden={!said.total && said.error === null}>
        <summary>{count(said.total ?? 0, 'output')}</summary>
        {notice}
        {said.error !== null && <Failed error={said.error} />}
        <div ref={host} className="tl-Outputs-area" />
      </details>
    );
  }
  return (
    <div className="tl-Outputs">
      {notice}
      {said.error !== null && <Failed error={said.error} />}
      {said.total === null && said.error === null && <Loading what="outputs" />}
      {said.total === 0 && said.error === null && (
        <Empty title={isRunning ? 'It has shown nothing yet.' : job.epoch ? 'It showed nothing.' : 'It has not started.'} />
      )}
      <div ref={host} className="tl-Outputs-area" />
    </div>
  );
}

/** What draws less without trust: JavaScript, SVG, and HTML that is more than text, tables and marks. */
export function isRich(output: IOutput): boolean {
  const data = output.data as Record<string, unknown> | undefined;
  if (!data || 'image/png' in data) {
    return false;
  }
  const html = data['text/html'];
  const words = Array.isArray(html) ? html.join('') : html;
  return (
    ['image/svg+xml', 'application/javascript'].some(type => type in data) ||
    (typeof words === 'string' && LESS.test(words))
  );
}

const LESS = /<(script|iframe|object|embed|form|svg|canvas|video|audio|link|img)\b|\son\w+\s*=|url\s*\(/i;

/** An output area that lives in a node of React's. */
function useArea(
  rendermime: IRenderMimeRegistry,
  host: React.RefObject<HTMLDivElement>,
  isTrusted: boolean
): OutputArea | null {
  const [area, set] = React.useState<OutputArea | null>(null);
  React.useLayoutEffect(() => {
    const node = host.current;
    if (!node) {
      return;
    }
    const model = new OutputAreaModel({ trusted: isTrusted });
    const drawn = isTrusted ? rendermime : rendermime.clone({ sanitizer: quiet(rendermime.sanitizer) });
    const made = new OutputArea({ model, rendermime: drawn, maxNumberOutputs: 500 });
    Widget.attach(made, node);
    const observer = new ResizeObserver(() => {
      if (!made.isDisposed) {
        MessageLoop.postMessage(made, Widget.ResizeMessage.UnknownSize);
      }
    });
    observer.observe(node);
    set(made);
    return () => {
      observer.disconnect();
      made.dispose();
      model.dispose();
    };
  }, [rendermime, host, isTrusted]);
  return area;
}
