// Logging in: the OAuth token endpoint, the SOAP login() call, and the sessions they give out.
// There is no expires_in; a session ends by age, by a fault, or with the process.

import { createHmac, randomBytes, verify } from 'node:crypto';
import { jsonReply, parseBasic, parseBearer, textReply } from '../lib/reply.mjs';
import { sessionInvalid } from './api_error.mjs';
import { withSuffix } from './record_id.mjs';

const jwtGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const jwtAheadSecondsMax = 180;
const jwtAudiences = ['https://login.salesforce.com', 'https://test.salesforce.com'];

export const organisationId = withSuffix('00DSy0000000001');
export const apiUserId = withSuffix('005Sy0000000001');
export const humanUserId = withSuffix('005Sy0000000002');

export class Sessions {
  #credentials;
  #clock;
  #lifetimeMs;
  #jwtPublicKey;
  #sessions = new Map();

  /** `url()` gives the instance URL. `jwtPublicKey`: PEM text, or null when JWT is not set up. */
  constructor({ credentials, clock, lifetimeMs, jwtPublicKey, url }) {
    this.#credentials = credentials;
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
    this.#jwtPublicKey = jwtPublicKey;
    this.url = url;
  }

  expireAll() {
    this.#sessions.clear();
  }

  /** Throws 401 INVALID_SESSION_ID unless the request carries a live session. */
  check(request) {
    const token = parseBearer(request.headers.authorization);
    const lastUsedMs = this.#sessions.get(token);
    if (lastUsedMs === undefined || this.#clock.rawMs() - lastUsedMs > this.#lifetimeMs) {
      this.#sessions.delete(token);
      throw sessionInvalid();
    }
    this.#sessions.set(token, this.#clock.rawMs());
  }

  /** POST /services/oauth2/token */
  token(request) {
    const form = new URLSearchParams(request.body.toString('utf8'));
    const basic = parseBasic(request.headers.authorization);
    const clientId = form.get('client_id') ?? basic?.user;
    const clientSecret = form.get('client_secret') ?? basic?.password;
    const grant = form.get('grant_type');
    if (grant === jwtGrant) {
      return this.#jwtBearer(form.get('assertion') ?? '');
    }
    if (clientId !== this.#credentials.client_id) {
      return refused('invalid_client_id', 'client identifier invalid');
    }
    const secretOk = clientSecret === this.#credentials.client_secret;
    if (!secretOk && !(grant === 'refresh_token' && clientSecret === undefined)) {
      return refused('invalid_client', 'invalid client credentials');
    }
    if (grant === 'client_credentials') {
      return this.#granted();
    }
    if (grant === 'password') {
      return this.#passwordOk(form.get('username'), form.get('password'))
        ? this.#granted()
        : refused('invalid_grant', 'authentication failure');
    }
    if (grant === 'refresh_token') {
      return form.get('refresh_token') === this.#credentials.refresh_token
        ? this.#granted()
        : refused('invalid_grant', 'expired access/refresh token');
    }
    return refused('unsupported_grant_type', 'grant type not supported');
  }

  /** POST /services/oauth2/revoke */
  revoke(request) {
    const form = new URLSearchParams(request.body.toString('utf8'));
    const known = this.#sessions.delete(form.get('token') ?? request.query.get('token'));
    return known ? textReply(200, '', null) : refused('invalid_token', 'token not found');
  }

  /** POST /services/Soap/u/<version>: login() only. */
  soapLogin(request) {
    const text = request.body.toString('utf8');
    const username = xmlElement(text, 'username');
    const password = xmlElement(text, 'password');
    if (!this.#passwordOk(username, password)) {
      return soapReply(
        500,
        '<soapenv:Fault><faultcode>INVALID_LOGIN</faultcode><faultstring>' +
          'INVALID_LOGIN: Invalid username, password, security token; or user locked out.' +
          '</faultstring></soapenv:Fault>',
      );
    }
    const serverUrl = `${this.url()}${request.path}/${organisationId}`;
    return soapReply(
      200,
      '<loginResponse><result>' +
        '<passwordExpired>false</passwordExpired><sandbox>false</sandbox>' +
        `<serverUrl>${serverUrl}</serverUrl><sessionId>${this.#open()}</sessionId>` +
        `<userId>${apiUserId}</userId><userInfo>` +
        `<organizationId>${organisationId}</organizationId>` +
        `<userName>${xmlEscape(username)}</userName></userInfo></result></loginResponse>`,
    );
  }

  #passwordOk(username, password) {
    return username === this.#credentials.username && password === this.#credentials.password;
  }

  #open() {
    const token = `${organisationId.slice(0, 15)}!AQ${randomBytes(30).toString('base64url')}`;
    this.#sessions.set(token, this.#clock.rawMs());
    return token;
  }

  #granted() {
    const id = `${this.url()}/id/${organisationId}/${apiUserId}`;
    const issuedAt = String(this.#clock.nowMs());
    const signer = createHmac('sha256', this.#credentials.client_secret);
    return jsonReply(200, {
      access_token: this.#open(),
      signature: signer.update(id + issuedAt).digest('base64'),
      scope: 'api',
      instance_url: this.url(),
      id,
      token_type: 'Bearer',
      issued_at: issuedAt,
    });
  }

  #jwtBearer(assertion) {
    const claims = this.#jwtPublicKey ? readJwt(assertion, this.#jwtPublicKey) : null;
    if (!claims || claims.iss !== this.#credentials.client_id) {
      return refused('invalid_grant', 'invalid assertion');
    }
    if (claims.sub !== this.#credentials.username) {
      return refused('invalid_grant', "user hasn't approved this consumer");
    }
    if (![...jwtAudiences, this.url()].includes(claims.aud)) {
      return refused('invalid_grant', 'audience is invalid');
    }
    const aheadSeconds = claims.exp - this.#clock.nowMs() / 1000;
    if (!(aheadSeconds > 0 && aheadSeconds <= jwtAheadSecondsMax)) {
      return refused('invalid_grant', 'expired authorization code');
    }
    return this.#granted();
  }
}

function readJwt(assertion, publicKey) {
  const [head, body, signature] = assertion.split('.');
  try {
    const { alg } = JSON.parse(Buffer.from(head, 'base64url').toString('utf8'));
    const signed = Buffer.from(`${head}.${body}`);
    const genuine =
      alg === 'RS256' &&
      verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'));
    return genuine ? JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) : null;
  } catch {
    return null; // Not three parts, not base64, not JSON: an invalid assertion all the same.
  }
}

function refused(error, description) {
  return jsonReply(400, { error, error_description: description });
}

function xmlElement(text, name) {
  const pattern = new RegExp(`<(?:\\w+:)?${name}>([^<]*)</(?:\\w+:)?${name}>`);
  const named = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
  return (
    pattern
      .exec(text)?.[1]
      .replace(/&(?:(lt|gt|amp|quot|apos)|#(\d+));/g, (whole, name_, code) =>
        name_ ? named[name_] : String.fromCodePoint(Number(code)),
      ) ?? null
  );
}

function xmlEscape(text) {
  return text.replace(/[<>&"']/g, (character) => `&#${character.codePointAt(0)};`);
}

function soapReply(status, content) {
  const envelope =
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope ' +
    'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ' +
    'xmlns="urn:partner.soap.sforce.com">' +
    `<soapenv:Body>${content}</soapenv:Body></soapenv:Envelope>`;
  return textReply(status, envelope, 'text/xml;charset=UTF-8');
}
