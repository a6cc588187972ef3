/**
 * Everything that is served, as one readable list. The client API comes without hooks; what an
 * operator uses carries its own.
 */
import { Elysia } from "elysia";
import type { Admin } from "../admin/admin.ts";
import type { AdminToken } from "../admin/admin-token.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { adminRoutes } from "./admin/routes.ts";
import { docsRoutes } from "./docs.ts";
import { healthRoutes } from "./health.ts";
import { clientApi } from "./v1/client-api.ts";

export type AppParts = {
  readonly gateway: Gateway;
  readonly admin: Admin;
  readonly adminToken: AdminToken;
  readonly version: string;
};

/** `standardHostname` would take the path from behind 11 bytes, wrong for hosts of up to 3 letters. */
export const APP_OPTIONS = { precompile: false, handler: { standardHostname: false } } as const;

export function createApp({ gateway, admin, adminToken, version }: AppParts) {
  return new Elysia(APP_OPTIONS)
    .use(docsRoutes({ version }))
    .use(clientApi(gateway))
    .use(adminRoutes({ admin, adminToken, random: gateway.random, log: gateway.log }))
    .use(healthRoutes(gateway, version));
}
