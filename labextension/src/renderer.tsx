/** Draws `application/vnd.tether-lab.job+json` in any notebook: live where the server knows the job, else as it was. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import * as React from 'react';
import { LiveCard } from './components/card';
import { Failed } from './components/parts';
import { ITether } from './tokens';
import { JOB_MIME, Mime, mime as decode } from './wire';

export class JobRenderer extends ReactWidget implements IRenderMime.IRenderer {
  constructor(
    private readonly tether: ITether,
    private readonly rendermime: IRenderMimeRegistry
  ) {
    super();
    this.addClass('tl-Output');
  }

  /** What the notebook holds. The kernel may send a newer one; of two the later counts. */
  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    try {
      const fresh = decode(model.data[JOB_MIME], 'the output');
      const isLater = !this._mime || fresh.job.uuid !== this._mime.job.uuid || fresh.at >= this._mime.at;
      this._mime = isLater ? fresh : this._mime;
      this._error = null;
    } catch (error) {
      this._error = error;
    }
    this.update();
    return this.renderPromise ?? Promise.resolve();
  }

  protected render(): JSX.Element {
    if (this._error) {
      return <Failed error={this._error} />;
    }
    return this._mime ? (
      <Seen tether={this.tether} rendermime={this.rendermime} mime={this._mime} />
    ) : <></>;
  }

  private _mime: Mime | null = null;
  private _error: unknown = null;
}

/** A card asks the server only once it has been in sight. */
function Seen(props: { tether: ITether; rendermime: IRenderMimeRegistry; mime: Mime }): JSX.Element {
  const node = React.useRef<HTMLDivElement>(null);
  const [isSeen, see] = React.useState(false);
  React.useEffect(() => {
    const target = node.current;
    if (isSeen || !target) {
      return;
    }
    const observer = new IntersectionObserver(found => found.some(one => one.isIntersecting) && see(true), {
      rootMargin: '400px'
    });
    observer.observe(target);
    return () => observer.disconnect();
  }, [isSeen]);
  return (
    <div ref={node}>
      <LiveCard tether={props.tether} rendermime={props.rendermime} mime={props.mime} wanted={isSeen} />
    </div>
  );
}

export function rendererFactory(tether: ITether, rendermime: IRenderMimeRegistry): IRenderMime.IRendererFactory {
  return {
    safe: true, // it writes text only, never HTML, so it may draw what nobody trusts
    mimeTypes: [JOB_MIME],
    defaultRank: 10,
    createRenderer: () => new JobRenderer(tether, rendermime)
  };
}

export const renderer: JupyterFrontEndPlugin<void> = {
  id: 'tether-lab:renderer',
  description: 'Cards of jobs in notebooks, live with or without a kernel.',
  autoStart: true,
  requires: [ITether, IRenderMimeRegistry],
  activate: (_: JupyterFrontEnd, tether: ITether, registry: IRenderMimeRegistry) => {
    registry.addFactory(rendererFactory(tether, registry));
  }
};
