/** Our own icons; everything else is JupyterLab's. They take the theme's colours. */

import { LabIcon } from '@jupyterlab/ui-components';

const svg = (body: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g class="jp-icon3" fill="#616161">${body}</g></svg>`;

/** A cell and the tether that leads out of it. */
export const jobIcon = new LabIcon({
  name: 'tether-lab:job',
  svgstr: svg(
    '<path d="M4 3h12a2 2 0 0 1 2 2v6h-2V5H4v10h6v2H4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z"/>' +
      '<path d="M7 7v6l5-3z"/>' +
      '<path d="M14 13.2a4.4 4.4 0 0 0-1.3 3.1v.2h2v-.2a2.4 2.4 0 0 1 4.8 0v.9a2.2 2.2 0 1 0 2 0v-.9A4.4 4.4 0 0 0 14 13.2z"/>'
  )
});

/** The same with a play sign larger: run this as a job. */
export const runJobIcon = new LabIcon({
  name: 'tether-lab:run-job',
  svgstr: svg(
    '<path d="M4 4v14l9-7z"/>' +
      '<path d="M20 13v5.5a3.5 3.5 0 0 1-7 0V17h2v1.5a1.5 1.5 0 0 0 3 0V13z"/><circle cx="19" cy="10.5" r="2.5"/>'
  )
});

export const calendarIcon = new LabIcon({
  name: 'tether-lab:schedules',
  svgstr: svg(
    '<path d="M19 4h-1V2h-2v2H8V2H6v2H5a2 2 0 0 0-2 2v13a2 2 0 0 0 2 2h14a2 2 0 0 0 2-2V6a2 2 0 0 0-2-2zm0 15H5V9h14z"/><path d="M11 11h2v3.6l2.4 1.5-1 1.6L11 15.6z"/>'
  )
});

export const chainIcon = new LabIcon({
  name: 'tether-lab:chains',
  svgstr: svg(
    '<path d="M3 9h6v2h3V6h3V4h6v6h-6V8h-1v8h1v-2h6v6h-6v-2h-3v-5H9v2H3z"/>'
  )
});

/** A thing that beats as long as it lives. */
export const serviceIcon = new LabIcon({
  name: 'tether-lab:services',
  svgstr: svg('<path d="M2 11h4.4L9 4.6l5 12.2 2.3-5.8H22v2h-4.3L14 22 9 9.8 7.7 13H2z"/>')
});

export const chartIcon = new LabIcon({
  name: 'tether-lab:analytics',
  svgstr: svg('<path d="M4 20h17v-2H6V3H4z"/><path d="M8 11h3v5H8zm4.5-6h3v11h-3zM17 8h3v8h-3z"/>')
});
