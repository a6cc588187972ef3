/**
 * One handler for every surface of the client API: it hands the request to the plot and its reply to
 * the server. It parses nothing and sets nothing on Elysia's context, which would make Elysia decode
 * and rebuild the answer (Elysia 1.4.30).
 */
import { codecAt, dialectOf } from "../../dialects/catalogue.ts";
import type { Place } from "../../dialects/contract.ts";
import { type Surface, SURFACES } from "../../dialects/surfaces.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import { handle } from "../../gateway/handle.ts";
import { IDLE_SECONDS } from "../listen.ts";
import { declaredBytes, readClientBody, readClientForm } from "./client-body.ts";
import { presentedBy } from "./query-credential.ts";

/** For which model something is that is of none. */
const MODEL_HEADER = "x-tollgate-model";

/** What we use of Bun's server: streams may be silent for minutes, so its idle timer is turned off. */
export type IdleTimer = { readonly timeout: (request: Request, seconds: number) => void };

export async function exchangeRoute(
  gateway: Gateway,
  surface: Surface,
  named: Omit<Place, "query">,
  request: Request,
  server: IdleTimer | null,
): Promise<Response> {
  const { query, headers } = presentedBy(SURFACES[surface].dialect, request);
  const place = { ...named, query };
  const codec = codecAt(surface, place);
  const reply = await handle(gateway, {
    dialect: dialectOf(surface),
    codec,
    place: codec.modelInHeader === true ? { ...place, model: headers.get(MODEL_HEADER) } : place,
    query,
    headers,
    declaredBytes: declaredBytes(request.headers),
    readBody: async (tenantId) => {
      const body =
        codec.form === undefined
          ? await readClientBody(gateway, request, tenantId)
          : await readClientForm(gateway, request, tenantId, codec.form.bodyBytesMax);
      // Only while the body is read does silence mean that the client is slow.
      server?.timeout(request, 0);
      return body;
    },
    signal: request.signal,
    // Turned on again: a connection that is kept alive and never used must not stay for ever.
    onEnd: () => server?.timeout(request, IDLE_SECONDS),
  });
  return new Response(reply.body, { status: reply.status, headers: reply.headers });
}
