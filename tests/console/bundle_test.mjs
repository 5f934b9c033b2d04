// What is shipped: small, in files of its own, and asking for nothing from elsewhere.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { root } from './lib/world.mjs';

const dist = path.join(root, 'hub/console/dist');
const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((one) => one.isFile()).map((one) => path.join(one.parentPath ?? one.path, one.name));
const text = (file) => readFileSync(file, 'utf8');

test('300 KiB at most, compressed', (t) => {
  const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0);
  t.diagnostic(`${(bytes / 1024).toFixed(1)} KiB in ${files.length} files`);
  assert.ok(files.length > 10);
  assert.ok(bytes <= 300 * 1024, `${bytes} bytes`);
});

test('no address of another host is loaded, and nothing is absolute', () => {
  for (const file of files) {
    const urls = [...text(file).matchAll(/(?:src|href|url\(|import\(|from)\s*[=(]?\s*["'`(]?(https?:)?\/\/[^"'`)\s]+/g)];
    assert.deepEqual(urls.map((one) => one[0]), [], file);
  }
  assert.doesNotMatch(text(path.join(dist, 'index.html')), /(?:src|href)="\//);
});

test('nothing needs a script or style inside the page, or code made from text', () => {
  const page = text(path.join(dist, 'index.html'));
  assert.doesNotMatch(page, /<style|style=|<script(?![^>]*src=)|\son\w+=/);
  for (const file of files.filter((one) => one.endsWith('.js'))) {
    assert.doesNotMatch(text(file), /\beval\(|new Function\(|\.insertAdjacentHTML|document\.write/, file);
  }
});

test('no source of a page turns text into HTML', () => {
  const folder = path.join(root, 'hub/console/src');
  const sources = readdirSync(folder, { recursive: true }).filter((one) => /\.tsx?$/.test(one));
  assert.ok(sources.length > 20);
  for (const file of sources) {
    assert.doesNotMatch(text(path.join(folder, file)), /innerHTML|outerHTML|dangerously/, file);
  }
});
