/**
 * A request as it goes to a provider: the client's own bytes and headers with what we must change, on the
 * path of its dialect or of its company, with the provider's credential.
 */
import type { ClientRequest } from "../dialects/contract.ts";
import { specOf } from "../dialects/surfaces.ts";
import type { HeaderRecord } from "./credentials/presenter.ts";
import type { Exchange } from "./exchange.ts";
import { upstreamHeaders } from "./request-headers.ts";
import type { Candidate } from "./resolve.ts";
import type { UpstreamCall } from "./transport.ts";
import { spooledBody } from "./upload/spooled-body.ts";

export function upstreamCall(
  { call, spool }: Exchange,
  request: ClientRequest,
  { provider, lane, model }: Candidate,
  outputTokensCap: number | null,
): UpstreamCall {
  const { dialect, codec, query } = call;
  const { row, quirks, wire } = provider;
  const edits = {
    model,
    outputTokensCap,
    outputCapMember: quirks.outputCapMember,
    includeUsage: request.stream && !quirks.tellsUsageUnasked,
  };
  const plain = {
    path: codec.path(request, model),
    query,
    headers: upstreamHeaders(call.headers, dialect.headers.defaults),
    body:
      spool === null
        ? codec.request(request, edits)
        : spooledBody(spool, codec.form?.edits(request, edits) ?? []),
  };
  const put = wire === null ? plain : wire.put({ ...plain, row, model, stream: request.stream });
  const { method } = specOf(codec.surface);
  const url = row.baseUrl + put.path + put.query;
  // Signed is what is sent; a body that is not in memory cannot be.
  const bytes = "open" in put.body ? null : put.body;
  const presented = lane.presenter?.headers({ method, url, body: bytes });
  return {
    method,
    url,
    headers: withCredential(put.headers, presented),
    body: put.body,
    firstByteMs: row.timeoutsMs.first_byte,
  };
}

/** Signing computes and waits for nobody; all other credentials are headers at once. */
function withCredential(
  headers: Record<string, string>,
  presented: HeaderRecord | Promise<HeaderRecord> | undefined,
): Record<string, string> | Promise<Record<string, string>> {
  // The record was made for this call alone.
  return presented instanceof Promise
    ? presented.then((signed) => Object.assign(headers, signed))
    : Object.assign(headers, presented);
}
