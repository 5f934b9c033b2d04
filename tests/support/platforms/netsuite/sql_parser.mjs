// SuiteQL, as much of it as one table with joins needs: text in, a tree out.
//
// query: {items: [{expression, alias}], all, from, joins: [{source, on}], where, order}
// source: {table, alias} or {query, alias}. Expressions are {kind, ...}, see primary() and below.

import { invalidQuery } from './api_error.mjs';

const words = new Set(
  ('SELECT FROM WHERE ORDER BY INNER JOIN ON AND OR NOT IS NULL IN LIKE BETWEEN CASE WHEN THEN ' +
    'ELSE END AS ASC DESC').split(' '),
);
const lexeme = /\s+|'((?:[^']|'')*)'|(\d+(?:\.\d+)?)|([a-z_]\w*)|(<>|!=|<=|>=|\|\||[=<>(),.*])/iy;
const comparisons = ['=', '<>', '!=', '<=', '>=', '<', '>'];

export function parseSql(text) {
  const parser = new Parser(tokensOf(text));
  const query = parser.query();
  parser.end();
  return query;
}

function tokensOf(text) {
  const tokens = [];
  for (let at = 0, match; at < text.length; at += match[0].length) {
    lexeme.lastIndex = at;
    match = lexeme.exec(text);
    if (!match) {
      throw invalidQuery(`Invalid or unsupported search, at ${text.slice(at, at + 20)}`);
    }
    const [, string, number, name, symbol] = match;
    if (string !== undefined) {
      tokens.push({ type: 'string', value: string.replaceAll("''", "'") });
    } else if (number !== undefined) {
      tokens.push({ type: 'number', value: Number(number) });
    } else if (name !== undefined) {
      const upper = name.toUpperCase();
      tokens.push(
        words.has(upper)
          ? { type: 'word', value: upper }
          : { type: 'name', value: name.toLowerCase() },
      );
    } else if (symbol !== undefined) {
      tokens.push({ type: 'symbol', value: symbol });
    }
  }
  return tokens;
}

class Parser {
  #tokens;
  #at = 0;

  constructor(tokens) {
    this.#tokens = tokens;
  }

  end() {
    if (this.#at < this.#tokens.length) {
      throw this.#unexpected();
    }
  }

  query() {
    this.#need('SELECT');
    const all = this.#take('*');
    const items = all ? [] : this.#list(() => this.#item());
    this.#need('FROM');
    const from = this.#source();
    const joins = [];
    while (this.#take('INNER') ? this.#need('JOIN') : this.#take('JOIN')) {
      const source = this.#source();
      this.#need('ON');
      joins.push({ source, on: this.#expression() });
    }
    const where = this.#take('WHERE') ? this.#expression() : null;
    let order = [];
    if (this.#take('ORDER')) {
      this.#need('BY');
      order = this.#list(() => {
        const expression = this.#expression();
        const isDown = this.#take('DESC');
        this.#take('ASC');
        return { expression, isDown };
      });
    }
    return { items, all, from, joins, where, order };
  }

  #item() {
    const expression = this.#expression();
    const isNamed = this.#take('AS') || this.#peek()?.type === 'name';
    return { expression, alias: isNamed ? this.#name() : (expression.name ?? null) };
  }

  #source() {
    if (this.#take('(')) {
      const query = this.query();
      this.#need(')');
      this.#take('AS');
      return { query, alias: this.#name() };
    }
    const table = this.#name();
    return { table, alias: this.#peek()?.type === 'name' ? this.#name() : table };
  }

  #expression() {
    return this.#chain('OR', () => this.#chain('AND', () => this.#negation()));
  }

  #chain(word, next) {
    const parts = [next()];
    while (this.#take(word)) {
      parts.push(next());
    }
    return parts.length === 1 ? parts[0] : { kind: word, parts };
  }

  #negation() {
    return this.#take('NOT') ? { kind: 'NOT', value: this.#negation() } : this.#comparison();
  }

  #comparison() {
    const left = this.#joined();
    const symbol = comparisons.find((one) => this.#take(one));
    if (symbol) {
      return { kind: 'compare', symbol, left, right: this.#joined() };
    }
    if (this.#take('IS')) {
      const isNot = this.#take('NOT');
      this.#need('NULL');
      return negated(isNot, { kind: 'isNull', value: left });
    }
    const isNot = this.#take('NOT');
    if (this.#take('IN')) {
      this.#need('(');
      const list = this.#list(() => this.#joined());
      this.#need(')');
      const parts = list.map((right) => ({ kind: 'compare', symbol: '=', left, right }));
      return negated(isNot, { kind: 'OR', parts });
    }
    if (this.#take('LIKE')) {
      return negated(isNot, { kind: 'like', left, right: this.#joined() });
    }
    if (this.#take('BETWEEN')) {
      const low = this.#joined();
      this.#need('AND');
      const above = { kind: 'compare', symbol: '>=', left, right: low };
      const below = { kind: 'compare', symbol: '<=', left, right: this.#joined() };
      return negated(isNot, { kind: 'AND', parts: [above, below] });
    }
    if (isNot) {
      throw this.#unexpected();
    }
    return left;
  }

  #joined() {
    return this.#chain('||', () => this.#primary());
  }

  #primary() {
    if (this.#take('(')) {
      const inner = this.#expression();
      this.#need(')');
      return inner;
    }
    if (this.#take('NULL')) {
      return { kind: 'literal', value: null };
    }
    if (this.#take('CASE')) {
      return this.#case();
    }
    const token = this.#peek();
    if (token?.type === 'string' || token?.type === 'number') {
      this.#at += 1;
      // The empty text is no value, as everywhere in this database.
      return { kind: 'literal', value: token.value === '' ? null : token.value };
    }
    const name = this.#name();
    if (this.#take('.')) {
      return { kind: 'column', source: name, name: this.#name() };
    }
    if (this.#take('(')) {
      const inputs = this.#list(() => this.#expression());
      this.#need(')');
      return { kind: 'call', call: name, inputs };
    }
    return { kind: 'column', source: null, name };
  }

  #case() {
    const branches = [];
    while (this.#take('WHEN')) {
      const when = this.#expression();
      this.#need('THEN');
      branches.push({ when, then: this.#expression() });
    }
    const otherwise = this.#take('ELSE') ? this.#expression() : { kind: 'literal', value: null };
    this.#need('END');
    return { kind: 'case', branches, otherwise };
  }

  #list(next) {
    const list = [next()];
    while (this.#take(',')) {
      list.push(next());
    }
    return list;
  }

  #peek() {
    return this.#tokens[this.#at];
  }

  #take(value) {
    const token = this.#peek();
    const isIt = token && token.value === value && ['word', 'symbol'].includes(token.type);
    this.#at += isIt ? 1 : 0;
    return Boolean(isIt);
  }

  #need(value) {
    if (!this.#take(value)) {
      throw this.#unexpected();
    }
    return true;
  }

  #name() {
    const token = this.#peek();
    if (token?.type !== 'name') {
      throw this.#unexpected();
    }
    this.#at += 1;
    return token.value;
  }

  #unexpected() {
    return invalidQuery(`Invalid or unsupported search, at ${this.#peek()?.value ?? 'its end'}`);
  }
}

function negated(isNot, value) {
  return isNot ? { kind: 'NOT', value } : value;
}
