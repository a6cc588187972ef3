/**
 * Credentials that are more than one secret are kept as one text, in JSON. What each kind of them holds is
 * read here, for whoever saves one and for whoever uses it; what is wrong is said without repeating it.
 */
import type { Authentication } from "./company.ts";

/** An access key of AWS, as its console and command line give it. */
export type AwsAccessKey = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of a temporary one; null: it is a lasting one. */
  readonly sessionToken: string | null;
};

/** An application in Microsoft Entra with its secret. */
export type EntraSecret = {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Where tokens are asked for; other clouds than the public one have their own. */
  readonly authority: string;
};

/** The key file of a Google service account. */
export type ServiceAccount = {
  readonly clientEmail: string;
  readonly privateKey: string;
  readonly tokenUri: string;
};

/** `problem` follows "credential" in a sentence. */
export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

type Kinds = {
  readonly azure_entra: EntraSecret;
  readonly aws_sigv4: AwsAccessKey;
  readonly google_service_account: ServiceAccount;
};

export function readAwsAccessKey(text: string): Read<AwsAccessKey> {
  const members = membersOf(text, {
    required: ["access_key_id", "secret_access_key"],
    optional: ["session_token"],
  });
  if (!members.ok) return members;
  const { access_key_id: accessKeyId = "", secret_access_key: secretAccessKey = "" } =
    members.value;
  const sessionToken = members.value["session_token"] ?? null;
  return { ok: true, value: { accessKeyId, secretAccessKey, sessionToken } };
}

export function readEntraSecret(text: string): Read<EntraSecret> {
  const members = membersOf(text, {
    required: ["tenant_id", "client_id", "client_secret"],
    optional: ["authority"],
  });
  if (!members.ok) return members;
  const { tenant_id: tenantId = "", client_id: clientId = "" } = members.value;
  const { client_secret: clientSecret = "" } = members.value;
  const authority = members.value["authority"] ?? "https://login.microsoftonline.com";
  if (!/^[\w.-]+$/.test(tenantId)) return wrong("has a tenant_id that is none");
  return { ok: true, value: { tenantId, clientId, clientSecret, authority } };
}

export function readServiceAccount(text: string): Read<ServiceAccount> {
  const members = membersOf(text, {
    required: ["client_email", "private_key"],
    optional: ["token_uri"],
  });
  if (!members.ok) return members;
  const { client_email: clientEmail = "", private_key: privateKey = "" } = members.value;
  const tokenUri = members.value["token_uri"] ?? "https://oauth2.googleapis.com/token";
  return { ok: true, value: { clientEmail, privateKey, tokenUri } };
}

const READERS: { readonly [K in keyof Kinds]: (text: string) => Read<Kinds[K]> } = {
  azure_entra: readEntraSecret,
  aws_sigv4: readAwsAccessKey,
  google_service_account: readServiceAccount,
};

/** What is wrong with a credential for this way of presenting it; null: nothing that can be seen. */
export function credentialProblem({ kind }: Authentication, text: string): string | null {
  if (kind === "bearer" || kind === "header") {
    return /^[\x21-\x7e]+$/.test(text)
      ? null
      : "must be printable ASCII characters without spaces, as it is sent in a header";
  }
  const read = READERS[kind](text);
  return read.ok ? null : read.problem;
}

/** Where tokens are asked for with a credential; null: it is presented as it is. */
export function tokenUrlOf({ kind }: Authentication, text: string): string | null {
  if (kind === "azure_entra") {
    const read = readEntraSecret(text);
    return read.ok ? entraTokenUrl(read.value) : null;
  }
  if (kind !== "google_service_account") return null;
  const read = readServiceAccount(text);
  return read.ok ? read.value.tokenUri : null;
}

export function entraTokenUrl({ authority, tenantId }: EntraSecret): string {
  return `${authority.replace(/\/+$/, "")}/${tenantId}/oauth2/v2.0/token`;
}

type Wanted = { readonly required: readonly string[]; readonly optional: readonly string[] };

/** The named members, all of them texts; key files hold many more. */
function membersOf(
  text: string,
  { required, optional }: Wanted,
): Read<Readonly<Record<string, string>>> {
  const lists = `must be a JSON object with ${required.join(", ")}`;
  const parsed = parse(text);
  if (typeof parsed !== "object" || parsed === null) return wrong(lists);
  const found: Record<string, string> = {};
  for (const name of [...required, ...optional]) {
    const value: unknown = Object.getOwnPropertyDescriptor(parsed, name)?.value;
    if (typeof value === "string" && value !== "") found[name] = value;
    else if (value !== undefined && value !== null) return wrong(`needs ${name} to be a text`);
    else if (required.includes(name)) return wrong(lists);
  }
  return { ok: true, value: found };
}

function wrong(problem: string): Read<never> {
  return { ok: false, problem };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON is no object, which the caller says; the parser's words would repeat some of it.
    return null;
  }
}
