// An OpenID provider that others have made and had certified, on the loopback: its issuer is
// `localhost`, the console is at `127.0.0.1`, so that for a browser they are two sites.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Provider } from 'oidc-provider';

/** Who may sign in, with any password, and their groups. */
export const members = { ada: ['syncline-ops', 'staff'], vic: ['syncline-look'], eve: ['staff'] };

function makeKey(kid, alg) {
  const { privateKey } = alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
}

export class Login {
  static async start() {
    const login = new Login();
    login.secret = randomBytes(24).toString('hex');
    login.cookieKeys = [randomBytes(24).toString('hex')];
    login.keys = [makeKey('first', 'RS256')];
    login.server = createServer((request, response) => {
      const [at] = request.url.split('?');
      login.asked.push(at);
      if (at === login.silentAt) return;
      if (login.garbage !== undefined) response.end(login.garbage);
      else login.answer(request, response);
    });
    login.asked = [];
    await new Promise((resolve) => login.server.listen(0, '127.0.0.1', resolve));
    login.issuer = `http://localhost:${login.server.address().port}`;
    return login;
  }

  /** What it knows of the hub, which browsers find at `base`. */
  serve(base, alg = 'RS256') {
    this.base = base ?? this.base;
    this.provider = new Provider(this.issuer, {
      clients: [{ client_id: 'syncline', client_secret: this.secret,
        redirect_uris: [`${this.base}v1/oidc/callback`], post_logout_redirect_uris: [this.base],
        response_types: ['code'], grant_types: ['authorization_code'],
        id_token_signed_response_alg: alg }],
      jwks: { keys: this.keys },
      cookies: { keys: this.cookieKeys },
      claims: { openid: ['sub'], profile: ['groups'] },
      conformIdTokenClaims: false,
      pkce: { required: () => true },
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, groups: members[id] ?? [] }) }),
    });
    this.provider.on('server_error', (_, error) => console.error(error));
    this.answer = this.provider.callback();
  }

  /** From now on it signs with another key, and nobody finds the first any more. */
  rotate() {
    this.keys = [makeKey('second', 'ES256')];
    this.serve(this.base, 'ES256');
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
