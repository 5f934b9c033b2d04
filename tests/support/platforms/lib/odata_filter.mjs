// $filter of OData V4: comparisons, and, or, not, parentheses, contains, startswith, endswith.
// Lambda operators, arithmetic and other functions are refused.

import { comparable, compareValues, literalValue } from './odata_values.mjs';

/** What is wrong with a query. kind: syntax, property, literal or unsupported. */
export class QueryProblem extends Error {
  constructor(kind, message, name = '') {
    super(message);
    this.kind = kind;
    this.property = name;
  }
}

const tokenPattern = /\s*('(?:[^']|'')*'|[()]|,|[^\s(),']+(?:'[^']*')?)/sy;
const comparisons = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
};
const functions = {
  contains: (text, part) => text.includes(part),
  startswith: (text, part) => text.startsWith(part),
  endswith: (text, part) => text.endsWith(part),
};

/**
 * A filter over `properties` ({name: {type}}): {accepts(row), orFields}. `orFields` has,
 * for each `or`, the names on its two sides.
 */
export function parseFilter(text, properties) {
  const parser = new FilterParser(tokensOf(text), properties);
  const node = parser.whole();
  return { accepts: node.accepts, orFields: parser.orFields };
}

function tokensOf(text) {
  const tokens = [];
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < text.trimEnd().length) {
    const at = tokenPattern.lastIndex;
    const match = tokenPattern.exec(text);
    if (!match) {
      throw new QueryProblem('syntax', `Syntax error at position ${at} in '${text}'.`);
    }
    tokens.push({ text: match[1], at });
  }
  return tokens;
}

class FilterParser {
  #tokens;
  #properties;
  #next = 0;
  orFields = [];

  constructor(tokens, properties) {
    this.#tokens = tokens;
    this.#properties = properties;
  }

  whole() {
    const node = this.#or();
    if (this.#next < this.#tokens.length) {
      throw this.#unexpected();
    }
    return node;
  }

  #or() {
    let left = this.#and();
    while (this.#take('or')) {
      const [one, two] = [left, this.#and()];
      this.orFields.push([one.fields, two.fields]);
      left = {
        fields: new Set([...one.fields, ...two.fields]),
        accepts: (row) => one.accepts(row) || two.accepts(row),
      };
    }
    return left;
  }

  #and() {
    let left = this.#unary();
    while (this.#take('and')) {
      const [one, two] = [left, this.#unary()];
      left = {
        fields: new Set([...one.fields, ...two.fields]),
        accepts: (row) => one.accepts(row) && two.accepts(row),
      };
    }
    return left;
  }

  #unary() {
    if (this.#take('not')) {
      const inner = this.#unary();
      return { fields: inner.fields, accepts: (row) => !inner.accepts(row) };
    }
    if (this.#take('(')) {
      const inner = this.#or();
      this.#expect(')');
      return inner;
    }
    return this.#condition();
  }

  #condition() {
    const name = this.#word();
    if (this.#peek() === '(') {
      return this.#call(name);
    }
    const property = this.#property(name);
    const operator = this.#word();
    if (!Object.hasOwn(comparisons, operator)) {
      throw new QueryProblem('unsupported', `The operator '${operator}' is not supported.`);
    }
    const wanted = comparable(property, this.#literal(name, property));
    const holds = comparisons[operator];
    const isEquality = operator === 'eq' || operator === 'ne';
    return {
      fields: new Set([name]),
      accepts: (row) => {
        const value = comparable(property, row[name]);
        if (!isEquality && (value === null || wanted === null)) {
          return false;
        }
        return holds(compareValues(value, wanted));
      },
    };
  }

  #call(called) {
    if (!Object.hasOwn(functions, called)) {
      throw new QueryProblem('unsupported', `The function '${called}' is not supported.`);
    }
    this.#expect('(');
    const name = this.#word();
    const property = this.#property(name);
    this.#expect(',');
    const part = this.#literal(name, { ...property, type: 'Edm.String' });
    this.#expect(')');
    const holds = functions[called];
    return {
      fields: new Set([name]),
      accepts: (row) => typeof row[name] === 'string' && holds(row[name], part),
    };
  }

  #property(name) {
    if (!Object.hasOwn(this.#properties, name)) {
      throw new QueryProblem('property', `Property '${name}' not found.`, name);
    }
    return this.#properties[name];
  }

  #literal(name, property) {
    const token = this.#word();
    const value = literalValue(property, token);
    if (value === undefined) {
      throw new QueryProblem('literal', `'${token}' is no ${property.type} as '${name}' is.`, name);
    }
    return value;
  }

  #word() {
    const token = this.#tokens[this.#next];
    if (!token || ['(', ')', ','].includes(token.text)) {
      throw this.#unexpected();
    }
    this.#next += 1;
    return token.text;
  }

  #peek() {
    return this.#tokens[this.#next]?.text;
  }

  #take(text) {
    if (this.#peek() !== text) {
      return false;
    }
    this.#next += 1;
    return true;
  }

  #expect(text) {
    if (!this.#take(text)) {
      throw this.#unexpected();
    }
  }

  #unexpected() {
    const token = this.#tokens[this.#next];
    const what = token ? `'${token.text}' at position ${token.at}` : 'end of the expression';
    return new QueryProblem('syntax', `Expression expected, got ${what}.`);
  }
}
