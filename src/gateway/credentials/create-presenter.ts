/**
 * From how a provider authenticates and a credential in plain text to what presents it: the only place
 * where a kind of authentication becomes code.
 */
import { assertNever } from "../../base/assert.ts";
import { authenticationOf } from "../../providers/authentication.ts";
import {
  entraTokenUrl,
  type Read,
  readAwsAccessKey,
  readEntraSecret,
  readServiceAccount,
} from "../../providers/credential-text.ts";
import type { ProviderRow } from "../../store/contract.ts";
import { FetchedToken, type TokenAnswer } from "./fetched-token.ts";
import { assertionOf, googleForm, keyOf } from "./google.ts";
import { fixedPresenter, type Presenter } from "./presenter.ts";
import { createSigner, regionIn } from "./sigv4.ts";
import { requestToken, type TokenDeps } from "./token-request.ts";

/** Throws for a credential of another kind; its words repeat nothing of it. */
export function createPresenter(deps: TokenDeps, row: ProviderRow, credential: string): Presenter {
  const authentication = authenticationOf({ dialect: row.dialect, ...row.terms });
  switch (authentication.kind) {
    case "bearer":
      return fixedPresenter("authorization", `Bearer ${credential}`, credential);
    case "header":
      return fixedPresenter(authentication.name, credential, credential);
    case "aws_sigv4":
      return signing(deps, row, authentication.service, credential);
    case "azure_entra":
      return entra(deps, row, authentication.scope, credential);
    case "google_service_account":
      return google(deps, row, authentication.scope, credential);
    default:
      return assertNever(authentication);
  }
}

function signing(
  { clock }: TokenDeps,
  { baseUrl, terms }: ProviderRow,
  service: string,
  credential: string,
): Presenter {
  const accessKey = valueOf(readAwsAccessKey(credential));
  const region = terms.parameters?.["region"] ?? regionIn(baseUrl);
  if (region === null) throw new Error("the address names no AWS region");
  const { secretAccessKey, sessionToken } = accessKey;
  const secrets = sessionToken === null ? [secretAccessKey] : [secretAccessKey, sessionToken];
  return {
    prepare: () => null,
    headers: createSigner({ clock, accessKey, service, region }),
    secrets: () => secrets,
    refused: () => {
      // There is nothing else that could be presented.
    },
  };
}

function entra(deps: TokenDeps, row: ProviderRow, scope: string, credential: string): Presenter {
  const secret = valueOf(readEntraSecret(credential));
  const { clientId, clientSecret } = secret;
  const form = {
    grant_type: "client_credentials",
    client_id: clientId,
    client_secret: clientSecret,
    scope,
  };
  const get = () => requestToken(deps, { url: entraTokenUrl(secret), form, ...ruleOf(row) });
  return fetching(deps, get, clientSecret);
}

function google(deps: TokenDeps, row: ProviderRow, scope: string, credential: string): Presenter {
  const account = valueOf(readServiceAccount(credential));
  const key = keyOf(account);
  const get = () => {
    const assertion = assertionOf({ account, key, scope, nowMs: deps.clock.nowMs() });
    const form = googleForm(assertion);
    return requestToken(deps, { url: account.tokenUri, form, ...ruleOf(row) });
  };
  return fetching(deps, get, account.privateKey);
}

function fetching(
  { clock }: TokenDeps,
  get: () => Promise<TokenAnswer>,
  secret: string,
): Presenter {
  const token = new FetchedToken(clock, get);
  return {
    prepare: () => token.prepare(),
    headers: () => ({ authorization: `Bearer ${token.text()}` }),
    secrets: () => [secret, ...token.secrets()],
    refused: (sentAtMs) => token.refused(sentAtMs),
  };
}

/** Tokens are asked for where the provider itself may be called. */
function ruleOf({ allowPrivateNetwork, timeoutsMs }: ProviderRow) {
  return { allowPrivateNetwork, connectMs: timeoutsMs.connect };
}

function valueOf<T>(read: Read<T>): T {
  if (read.ok) return read.value;
  throw new Error(`the credential ${read.problem}`);
}
