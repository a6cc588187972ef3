/**
 * What a person reads when the gateway is up: the line programs wait for, and what to paste. Tokens
 * have a line of their own, which 80 columns do not break.
 */
import type { Running } from "./boot.ts";
import type { Output } from "./terminal.ts";

/** Shown as soon as it is made, even when the start then fails. */
export function showAdminToken(out: Output, adminToken: string): void {
  out.line("");
  out.line("Admin token, shown this once, so keep it:");
  out.line(`  ${out.styled("bold", adminToken)}`);
}

export function welcome(out: Output, { server, demo }: Running): void {
  if (demo !== null) {
    out.line("Access token of the demo tenant, with a budget of 1 USD a day:");
    out.line(`  ${demo.token}`);
    out.line("");
    out.line("Try it:");
    out.line("");
    out.line(`  curl ${server.url}/v1/chat/completions \\`);
    out.line(`    -H 'Authorization: Bearer ${demo.token}' \\`);
    out.line("    -H 'Content-Type: application/json' \\");
    out.line(
      `    -d '{"model": "${demo.model}", "messages": [{"role": "user", "content": "Hello!"}]}'`,
    );
    out.line("");
  }
  out.line(`Admin API and Swagger UI: ${server.url}/docs`);
  out.line(`Tollgate listening on ${server.url}`);
}
