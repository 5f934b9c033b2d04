// Pages of lists: by offset (`page`, `per_page`) or by cursor (`page[size]`, `page[after]`).

import { ApiError, badRequest } from './api_error.mjs';
import { jsonReply } from '../lib/reply.mjs';

const pageMax = 100;
const offsetPagesMax = 100;

/** A cursor is opaque to clients: base64 of the sort key and the id that a page ended at. */
export function encodeCursor(key, id) {
  return Buffer.from(`${key}||${id}|`).toString('base64');
}

/** {key, id}, or null when the text is no cursor of ours. */
export function decodeCursor(text) {
  const match = /^(.*)\|\|(\d+)\|$/s.exec(Buffer.from(text ?? '', 'base64').toString('utf8'));
  return match ? { key: match[1], id: Number(match[2]) } : null;
}

/** One page of `rows`, shown by `show`, as the member `name` of the reply. */
export function pageReply(request, { rows, name, show, url, pagesMax = offsetPagesMax }) {
  const { query } = request;
  const isByCursor = [...query.keys()].some((key) => key.startsWith('page['));
  const link = (changes) => {
    const next = new URLSearchParams(query);
    Object.entries(changes).forEach(([key, value]) => {
      next.delete(key);
      if (value !== null) {
        next.set(key, value);
      }
    });
    return `${url}${request.path}?${next}`;
  };
  const page = isByCursor
    ? cursorPage(rows, query, link)
    : offsetPage(rows, query, { link, pagesMax });
  return jsonReply(200, { [name]: page.rows.map(show), ...page.about });
}

function offsetPage(rows, query, { link, pagesMax }) {
  const size = Math.min(pageMax, number(query, 'per_page', pageMax));
  const page = number(query, 'page', 1);
  if (page > pagesMax) {
    throw badRequest('InvalidValue', `Number of requested pages is above the limit ${pagesMax}`);
  }
  const start = (page - 1) * size;
  const hasMore = start + size < rows.length;
  return {
    rows: rows.slice(start, start + size),
    about: {
      count: rows.length,
      next_page: hasMore ? link({ page: String(page + 1) }) : null,
      previous_page: page > 1 ? link({ page: String(page - 1) }) : null,
    },
  };
}

function cursorPage(rows, query, link) {
  const size = number(query, 'page[size]', pageMax);
  if (size < 1 || size > pageMax) {
    throw invalidPage('page[size] is invalid');
  }
  const sort = query.get('sort') ?? 'id';
  const name = sort.replace(/^-/, '');
  const sign = sort.startsWith('-') ? -1 : 1;
  const compare = (a, b) => sign * (order(a[name], b[name]) || a.id - b.id);
  const sorted = [...rows].sort(compare);
  const given = query.get('page[after]');
  const after = given === null ? null : decodeCursor(given);
  if (given !== null && after === null) {
    throw invalidPage('page[after] is not valid');
  }
  const position = after && { [name]: keyOf(after), id: after.id };
  const rest = position ? sorted.filter((row) => compare(row, position) > 0) : sorted;
  const shown = rest.slice(0, size);
  const last = shown.at(-1);
  const hasMore = rest.length > size;
  const cursor = last ? encodeCursor(JSON.stringify(last[name] ?? null), last.id) : null;
  return {
    rows: shown,
    about: {
      meta: { has_more: hasMore, after_cursor: hasMore ? cursor : null, before_cursor: null },
      links: { next: hasMore ? link({ 'page[after]': cursor }) : null, prev: null },
    },
  };
}

function keyOf(cursor) {
  try {
    return JSON.parse(cursor.key);
  } catch {
    throw invalidPage('page[after] is not valid');
  }
}

function order(a, b) {
  if (a === b) {
    return 0;
  }
  return (a ?? '') < (b ?? '') ? -1 : 1;
}

function number(query, name, fallback) {
  const text = query.get(name);
  return text !== null && /^\d+$/.test(text) && Number(text) > 0 ? Number(text) : fallback;
}

function invalidPage(title) {
  return new ApiError(400, { errors: [{ code: 'InvalidPaginationParameter', title }] });
}
