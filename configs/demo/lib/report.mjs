// What the demo says: steps, claims with their evidence, and the count at the end.
const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);

let passed = 0;
let failed = 0;

export const bold = (text) => paint('1', text);
export const dim = (text) => paint('2', text);

export function step(title, what) {
  console.log(`\n${bold(title)}`);
  if (what) console.log(dim(`  ${what}`));
}

export function note(text) { console.log(`  ${text}`); }

/** Counts a claim; `evidence` says what was seen at the platforms. */
export function claim(holds, text, evidence = '') {
  if (holds) passed += 1; else failed += 1;
  const mark = holds ? paint('32', 'ok  ') : paint('31', 'FAIL');
  console.log(`  ${mark} ${text}${evidence ? dim(`  (${evidence})`) : ''}`);
  return holds;
}

export function summary() {
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
