import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [
    {
      // JupyterLab's packages import their icons as text.
      name: 'svg-as-text',
      enforce: 'pre',
      async load(id) {
        const file = id.split('?')[0];
        if (!file.endsWith('.svg')) {
          return undefined;
        }
        const { readFile } = await import('node:fs/promises');
        return `export default ${JSON.stringify(await readFile(file, 'utf8'))}`;
      }
    }
  ],
  test: {
    environment: 'jsdom',
    env: { TZ: 'UTC' },
    include: ['src/__tests__/**/*.spec.{ts,tsx}'],
    setupFiles: ['src/__tests__/setup.ts'],
    css: false,
    // The packages below are ES modules that do not say so.
    server: { deps: { inline: [/@jupyterlab\//, /@jupyter\//, /@lumino\//, /@rjsf\//, /react-components/, /lib0/, /yjs/, /y-protocols/] } }
  }
});
