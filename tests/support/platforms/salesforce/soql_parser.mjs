// SOQL text -> a tree. Small but strict: what it does not know is MALFORMED_QUERY, as an unknown
// construct must never be read as something else.

import { ApiError } from './api_error.mjs';

const tokenPattern = new RegExp(
  [
    '(?<space>\\s+)',
    "(?<string>'(?:[^'\\\\]|\\\\.)*')",
    '(?<datetime>\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(?:\\.\\d+)?(?:Z|[+-]\\d{2}:?\\d{2}))',
    '(?<date>\\d{4}-\\d{2}-\\d{2})',
    '(?<number>[+-]?\\d+(?:\\.\\d+)?)',
    '(?<word>[A-Za-z_][A-Za-z0-9_]*(?:\\.[A-Za-z_][A-Za-z0-9_]*)*)',
    '(?<sign><=|>=|!=|<>|=|<|>|\\(|\\)|,)',
  ].join('|'),
  'y',
);

const escapes = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

function tokenise(text) {
  const tokens = [];
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < text.length) {
    const at = tokenPattern.lastIndex;
    const match = tokenPattern.exec(text);
    if (!match) {
      throw malformed(`unexpected token: '${text[at]}'`, at);
    }
    const [kind] = Object.entries(match.groups).find(([, value]) => value !== undefined);
    if (kind !== 'space') {
      tokens.push({ kind, text: match[0], at });
    }
  }
  tokens.push({ kind: 'end', text: '<EOF>', at: text.length });
  return tokens;
}

function malformed(problem, at) {
  return new ApiError(400, 'MALFORMED_QUERY', `${problem} (row 1, column ${at + 1})`);
}

/** Returns {fields, isCount, object, where, order, limit, offset}; throws MALFORMED_QUERY. */
export function parseSoql(text) {
  return new Parser(tokenise(text)).query();
}

class Parser {
  #tokens;
  #position = 0;

  constructor(tokens) {
    this.#tokens = tokens;
  }

  query() {
    this.#expectWord('SELECT');
    const { fields, isCount } = this.#selectList();
    this.#expectWord('FROM');
    const object = this.#expect('word').text;
    const where = this.#takeWord('WHERE') ? this.#condition() : null;
    const order = this.#takeWord('ORDER') ? this.#orderBy() : [];
    const limit = this.#takeWord('LIMIT') ? this.#wholeNumber() : null;
    const offset = this.#takeWord('OFFSET') ? this.#wholeNumber() : 0;
    if (this.#peek().kind !== 'end') {
      throw this.#unexpected();
    }
    return { fields, isCount, object, where, order, limit, offset };
  }

  #selectList() {
    if (this.#peek().text.toUpperCase() === 'COUNT' && this.#peek(1).text === '(') {
      this.#position += 2;
      this.#expectSign(')');
      return { fields: [], isCount: true };
    }
    const fields = [this.#expect('word').text];
    while (this.#takeSign(',')) {
      fields.push(this.#expect('word').text);
    }
    return { fields, isCount: false };
  }

  // AND and OR may not stand side by side without parentheses: Salesforce refuses to guess.
  #condition() {
    const first = this.#term();
    const joiner = this.#peek().text.toUpperCase();
    if (joiner !== 'AND' && joiner !== 'OR') {
      return first;
    }
    const terms = [first];
    while (this.#takeWord(joiner)) {
      terms.push(this.#term());
    }
    if (['AND', 'OR'].includes(this.#peek().text.toUpperCase())) {
      throw this.#unexpected();
    }
    return { kind: joiner === 'AND' ? 'and' : 'or', terms };
  }

  #term() {
    if (this.#takeWord('NOT')) {
      return { kind: 'not', term: this.#term() };
    }
    if (this.#takeSign('(')) {
      const inner = this.#condition();
      this.#expectSign(')');
      return inner;
    }
    return this.#comparison();
  }

  #comparison() {
    const field = this.#expect('word').text;
    if (this.#takeWord('NOT')) {
      this.#expectWord('IN');
      return { kind: 'in', field, literals: this.#literalList(), negated: true };
    }
    if (this.#takeWord('IN')) {
      return { kind: 'in', field, literals: this.#literalList(), negated: false };
    }
    if (this.#takeWord('LIKE')) {
      return { kind: 'like', field, literal: this.#literal() };
    }
    const operator = this.#next();
    if (!['=', '!=', '<>', '<', '>', '<=', '>='].includes(operator.text)) {
      throw this.#unexpected(operator);
    }
    const name = operator.text === '<>' ? '!=' : operator.text;
    return { kind: 'compare', field, operator: name, literal: this.#literal() };
  }

  #literalList() {
    this.#expectSign('(');
    const literals = [this.#literal()];
    while (this.#takeSign(',')) {
      literals.push(this.#literal());
    }
    this.#expectSign(')');
    return literals;
  }

  #literal() {
    const token = this.#next();
    const word = token.text.toLowerCase();
    if (token.kind === 'string') {
      return { type: 'string', ...unescape(token.text) };
    }
    if (token.kind === 'number') {
      return { type: 'number', value: Number(token.text) };
    }
    if (token.kind === 'datetime' || token.kind === 'date') {
      return { type: token.kind, value: token.text };
    }
    if (word === 'null') {
      return { type: 'null', value: null };
    }
    if (word === 'true' || word === 'false') {
      return { type: 'boolean', value: word === 'true' };
    }
    throw this.#unexpected(token);
  }

  #orderBy() {
    this.#expectWord('BY');
    const order = [];
    do {
      const field = this.#expect('word').text;
      const descending = this.#takeWord('DESC');
      if (!descending) {
        this.#takeWord('ASC');
      }
      let nullsLast = false;
      if (this.#takeWord('NULLS')) {
        nullsLast = this.#takeWord('LAST');
        if (!nullsLast) {
          this.#expectWord('FIRST');
        }
      }
      order.push({ field, descending, nullsLast });
    } while (this.#takeSign(','));
    return order;
  }

  #wholeNumber() {
    const token = this.#expect('number');
    if (!/^\d+$/.test(token.text)) {
      throw this.#unexpected(token);
    }
    return Number(token.text);
  }

  #peek(ahead = 0) {
    return this.#tokens[Math.min(this.#position + ahead, this.#tokens.length - 1)];
  }

  #next() {
    const token = this.#peek();
    this.#position += 1;
    return token;
  }

  #takeWord(word) {
    const token = this.#peek();
    const taken = token.kind === 'word' && token.text.toUpperCase() === word;
    this.#position += taken ? 1 : 0;
    return taken;
  }

  #takeSign(sign) {
    const taken = this.#peek().text === sign;
    this.#position += taken ? 1 : 0;
    return taken;
  }

  #expect(kind) {
    const token = this.#next();
    if (token.kind !== kind) {
      throw this.#unexpected(token);
    }
    return token;
  }

  #expectWord(word) {
    if (!this.#takeWord(word)) {
      throw this.#unexpected();
    }
  }

  #expectSign(sign) {
    if (!this.#takeSign(sign)) {
      throw this.#unexpected();
    }
  }

  #unexpected(token = this.#peek()) {
    return malformed(`unexpected token: '${token.text}'`, token.at);
  }
}

/** {value, pattern}: the plain text, and for LIKE the text whose escaped % and _ stay escaped. */
function unescape(quoted) {
  let value = '';
  let pattern = '';
  const text = quoted.slice(1, -1);
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] !== '\\') {
      value += text[i];
      pattern += text[i];
      continue;
    }
    i += 1;
    const character = escapes[text[i]] ?? text[i];
    value += character;
    pattern +=
      character === '%' || character === '_' || character === '\\' ? `\\${character}` : character;
  }
  return { value, pattern };
}
