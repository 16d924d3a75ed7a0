// What jsdom lacks and JupyterLab's packages touch when they are imported.
/* eslint-disable @typescript-eslint/unbound-method */
const lacking = globalThis as unknown as Record<string, unknown>;
lacking.DragEvent ??= class DragEvent extends Event {};
window.matchMedia ??= ((query: string) => ({
  matches: false,
  media: query,
  onchange: null,
  addListener: () => undefined,
  removeListener: () => undefined,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
  dispatchEvent: () => false
})) as typeof window.matchMedia;
window.requestIdleCallback ??= (callback: IdleRequestCallback) =>
  Number(setTimeout(() => callback({ didTimeout: false, timeRemaining: () => 50 }), 0));
window.cancelIdleCallback ??= (id: number) => clearTimeout(id);
