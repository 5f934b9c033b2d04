import { defineConfig } from 'vite';

declare const process: { env: Record<string, string | undefined> };

// What a strict content policy (default-src 'self') and a proxy under a sub-path ask for: relative
// URLs, and everything in files of its own, nothing inlined.
export default defineConfig({
  base: './',
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // Pages are chunks of their own: the first one paints without waiting for the others.
    chunkSizeWarningLimit: 200,
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: { proxy: { '/v1': process.env['SYNCLINE_API'] ?? 'http://127.0.0.1:8222' } },
});
