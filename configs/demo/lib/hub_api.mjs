// The API of the hubs, as the platforms' own screens would use it: questions, processes,
// approvals.

const post = { method: 'POST', headers: { 'content-type': 'application/json' } };

/** What a hub answers, and how long that took. */
export async function call(all, path, body, hub = 'hub-1') {
  const before = performance.now();
  const response = await fetch(`${all.apis[hub]}/v1/${path}`,
    body === undefined ? {} : { ...post, body: JSON.stringify(body) });
  const answer = await response.json();
  return { ...answer, http: response.status, ms: Math.round(performance.now() - before) };
}

export const ask = (all, name, input, hub) => call(all, `ask/${name}`, input, hub);

/** Begins a process, or finds the one that began before. */
export const begin = (all, name, context, hub) => call(all, `process/${name}`, context, hub);

/** How an instance stands: status, context, where it is, what is open. */
export const instance = (all, id) => call(all, `instances/${id}`);

/** The approval that a case or a deal waits for, by what is shown of it; null if there is none. */
export async function approvalOf(all, field, value) {
  const { approvals } = await call(all, 'approvals');
  return approvals.find((one) => one.shown[field] === value) ?? null;
}

/** What a browser shows of a link to an approval. */
export async function openLink(link) {
  const response = await fetch(link);
  return { http: response.status, text: await response.text() };
}

/** One of the two buttons on that page. */
export async function answerLink(link, page, verdict) {
  const seen = /name="seen" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
  const response = await fetch(link, { method: 'POST',
    body: new URLSearchParams({ seen, verdict, comment: 'by the link' }) });
  return { http: response.status, text: await response.text() };
}

/** Somebody's word about what was shown: "approve" or "reject". */
export const decide = (all, approval, who, word, comment) => call(all,
  `approvals/${approval.key}/${word}`, { who, seen: approval.seen, comment });
