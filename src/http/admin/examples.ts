/** Things that appear in the examples of the document, told as one story: Acme's support bot. */

export const TENANT_ID = "ten_019ab3f0c2a57c4e8f10a2b3c4d5e6f7";
export const PROJECT_ID = "prj_019ab3f0d1b47f23a6c0b1c2d3e4f506";
export const TOKEN_ID = "tok_019ab3f0e5c6758b9d21c3d4e5f60718";
export const PROVIDER_ID = "prv_019ab3f0f7d87a6c8e32d4e5f6071829";

export const BUDGET_ID = "bud_019ab3f123b67cf4a365071829304152";

const CREATED_AT = "2026-11-20T09:30:00.000Z";

export const VERSIONED = { created_at: CREATED_AT, version: 1 };

export function pageExample<T>(row: T): { data: T[]; next_cursor: string | null } {
  return { data: [row], next_cursor: null };
}
