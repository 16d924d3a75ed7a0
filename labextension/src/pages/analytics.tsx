/** The figures of a lab, drawn by the server's child and rendered by JupyterLab's own plotly renderer. */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { MimeModel } from '@jupyterlab/rendermime';
import { MessageLoop } from '@lumino/messaging';
import type { JSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { useModel, useReading } from '../components/hooks';
import { Empty, Failed, Loading } from '../components/parts';
import { clock, duration } from '../format';
import type { ITether } from '../tokens';
import { Field } from './schedule-editor';

const PLOTLY = 'application/vnd.plotly.v1+json';
const SPANS: [string, string][] = [
  ['24h', 'the last day'],
  ['7d', 'the last week'],
  ['30d', 'the last month'],
  ['', 'everything']
];

function isLight(): boolean {
  return document.body.dataset.jpThemeLight !== 'false';
}

/** Whether the page is light; changes with JupyterLab's theme. */
function useLight(): boolean {
  const [light, set] = React.useState(isLight);
  React.useEffect(() => {
    const observer = new MutationObserver(() => set(isLight()));
    observer.observe(document.body, { attributes: true, attributeFilter: ['data-jp-theme-light'] });
    return () => observer.disconnect();
  }, []);
  return light;
}

export function AnalyticsPage(props: { tether: ITether; rendermime: IRenderMimeRegistry; lab: string }): JSX.Element {
  const { tether, lab, rendermime } = props;
  useModel(tether.live);
  const light = useLight();
  const [since, setSince] = React.useState('7d');
  const [key, setKey] = React.useState('');
  const [fresh, setFresh] = React.useState(0);
  const api = React.useMemo(() => tether.actions.lab(lab), [tether, lab]);
  const handlers = useReading(() => api.handlers(), [api]);
  const reading = useReading(
    async () => {
      const theme = light ? 'light' : 'dark';
      const drawn = await api.analytics({ theme, since: since || null, key: key || null, fresh: fresh > 0 ? true : null });
      return { light, ...drawn };
    },
    [api, light, since, key, fresh]
  );
  const { value } = reading;
  return (
    <>
      <div className="tl-Page-head">
        <h1>Analytics</h1>
        <span className="tl-Space" />
        <Field label="Jobs of">
          <select value={since} onChange={event => setSince(event.target.value)}>
            {SPANS.map(([name, words]) => (
              <option key={name} value={name}>
                {words}
              </option>
            ))}
          </select>
        </Field>
        <Field label="Key">
          <select value={key} onChange={event => setKey(event.target.value)}>
            <option value="">all</option>
            {handlers.value?.map(handler => <option key={handler.key}>{handler.key}</option>)}
          </select>
        </Field>
        <button className="tl-Button" disabled={reading.loading} onClick={() => setFresh(n => n + 1)}>
          Draw again
        </button>
      </div>
      {value && (
        <p className="tl-soft" role="status">
          {`As of ${clock(value.computed_at)}, drawn in ${duration(value.seconds)}`}
          {reading.loading ? '; being drawn again …' : value.fresh ? '' : '; jobs have changed since'}
        </p>
      )}
      {reading.error !== null && <Failed error={reading.error} again={reading.again} />}
      {!value && reading.error === null && <Loading what="figures (the first time takes some seconds)" />}
      {value?.sections.length === 0 && <Empty title="There is nothing to draw yet: no job has ended." />}
      {value?.sections.map(section => (
        <section key={section.title} aria-label={section.title}>
          <h2>{section.title}</h2>
          {section.text && <p className="tl-Section-text">{section.text}</p>}
          <div className="tl-Figures" aria-busy={value.light !== light}>
            {section.figures.map(one => (
              <figure key={one.title} className="tl-Figure" aria-label={one.title.replace(/<[^>]*>/g, '')}>
                <Plot figure={one.figure as JSONObject} rendermime={rendermime} />
              </figure>
            ))}
          </div>
        </section>
      ))}
    </>
  );
}

function Plot(props: { figure: JSONObject; rendermime: IRenderMimeRegistry }): JSX.Element {
  const { figure, rendermime } = props;
  const host = React.useRef<HTMLDivElement>(null);
  const hasRenderer = rendermime.mimeTypes.includes(PLOTLY);
  React.useLayoutEffect(() => {
    const node = host.current;
    if (!node || !hasRenderer) {
      return;
    }
    const widget = rendermime.createRenderer(PLOTLY);
    Widget.attach(widget, node);
    void widget.renderModel(new MimeModel({ trusted: true, data: { [PLOTLY]: figure } }));
    const observer = new ResizeObserver(() => {
      if (!widget.isDisposed) {
        MessageLoop.postMessage(widget, Widget.ResizeMessage.UnknownSize);
      }
    });
    observer.observe(node);
    return () => {
      observer.disconnect();
      widget.dispose();
    };
  }, [figure, rendermime, hasRenderer]);
  return hasRenderer ? (
    <div ref={host} className="tl-Plot" />
  ) : (
    <p className="tl-soft">Figures need plotly’s renderer where JupyterLab runs: pip install plotly.</p>
  );
}
