// Two OpenID Connect providers on free ports of the loopback: the npm package oidc-provider.
//
//   node providers.mjs http://127.0.0.1:PORT     the address of Parvis; prints the two ports, then serves until it is ended
//
// The first gives user information as JSON; the second as a signed JWT, as ProConnect does. POST /rotate at either changes the
// key that it signs with: only the new one is then published.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";

console.info = console.warn = () => {};
const { default: Provider } = await import("oidc-provider");
const parvis = process.argv[2];

const PEOPLE = {
  cdelmas: { name: "Claire Delmas", email: "claire.delmas@ici.example", eduperson_affiliation: ["faculty", "member"], birthdate: "1980-01-01" },
  lmoreau: { given_name: "Léo", usual_name: "Moreau", eduperson_affiliation: ["student"] },
};

function key() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };
}

function redirects() {
  return Array.from({ length: 60 }, (_, number) => `${parvis}/connexion/source/${number + 1}/retour/`);
}

function provider(issuer, userinfo) {
  const made = new Provider(issuer, {
    jwks: { keys: [key()] },
    clients: [
      {
        client_id: "parvis",
        client_secret: "a secret of the tests, at least thirty-two characters",
        redirect_uris: redirects(),
        post_logout_redirect_uris: [`${parvis}/deconnexion/faite/`],
        backchannel_logout_uri: `${parvis}/deconnexion-par-le-fournisseur/`,
        backchannel_logout_session_required: true,
        ...(userinfo === "jwt" ? { userinfo_signed_response_alg: "RS256" } : {}),
      },
    ],
    claims: { openid: ["sub"], profile: ["name", "given_name", "usual_name", "email", "eduperson_affiliation", "birthdate"] },
    cookies: { keys: ["tests"] },
    features: {
      devInteractions: { enabled: true },
      backchannelLogout: { enabled: true },
      jwtUserinfo: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    findAccount: async (_context, id) => (PEOPLE[id] ? { accountId: id, claims: async () => ({ sub: id, ...PEOPLE[id] }) } : undefined),
    // Its own guard refuses the loopback, which is where Parvis is.
    fetch: (url, { method, headers, body }) => fetch(url, { method, headers, body }),
  });
  made.on("backchannel.error", (_context, error) => process.stderr.write(`${error}\n`));
  return made.callback();
}

const ports = [];
for (const userinfo of ["json", "jwt"]) {
  let handle;
  const server = createServer((request, response) => {
    if (request.method === "POST" && request.url === "/rotate") {
      handle = provider(issuer, userinfo);
      response.end();
    } else handle(request, response);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  handle = provider(issuer, userinfo);
  ports.push(server.address().port);
}
process.stdout.write(`${ports.join(" ")}\n`);
